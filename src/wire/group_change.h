#pragma once
#include "base/result.h"
#include "domain/group_change.h"
#include "parley/v1/frames.pb.h"

// What became of a group, as clients see it.
namespace parley::wire {

v1::Role to_proto(Role role);
/// Error `invalid_argument`: none of ours.
Result<Role> from_proto(v1::Role role);

void to_proto(const GroupChange& change, v1::GroupChange& out);
/// Error `malformed`: it says nothing that we know.
Result<GroupChange> from_proto(const v1::GroupChange& change);

}  // namespace parley::wire
