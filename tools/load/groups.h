#pragma once
#include "accounts.h"
#include "options.h"
#include "parley/v1/rest.pb.h"
#include "plan.h"

namespace parley::load {

/// Makes the groups that the options ask of one process, over HTTP, by their owners; or finds those
/// that the tokens' file names. `run` tells runs apart. Throws std::runtime_error.
std::vector<GroupPlan> gather_groups(const Options& options, const std::vector<Account>& people,
                                     std::size_t process, std::uint64_t run);

/// How many members of a group have what `asker` may see there up to `seq`, and each one's marks.
v1::Receipts receipts_of(const Options& options, const Account& asker,
                         const std::string& conversation, std::uint64_t seq);

}  // namespace parley::load
