#pragma once
#include <span>

#include "api/group.h"
#include "ports/groups.h"

namespace parley::group {

/// What no store is needed for: sizes, the shape of a request. Answers it in the form in which it
/// is stored: no user twice, nothing that does not belong to it.
Result<GroupCreate> checked(GroupCreate request);
Result<GroupChange> checked(UserId actor, GroupChange change);

/// Whether the change may be made in `group` by somebody with `role`, by domain/group_rules.h.
/// `targets`: those of the change's users who are members.
Result<void> judge(const Group& group, Role role, const GroupChange& change,
                   std::span<const GroupMember> targets);
/// Whether the group is already as the change wants it.
bool changes_nothing(const Group& group, const GroupChange& change,
                     std::span<const GroupMember> targets);

/// The field of a request that names the users of a change.
const char* users_field(GroupChange::What what);

}  // namespace parley::group
