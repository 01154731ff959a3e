#pragma once
#include "app/seed.h"
#include "services/auth/seed.h"

namespace parley::app {

/// The members of one of the plan's groups by their number among the people, the owner first: each
/// group begins where the one before ended.
std::vector<std::size_t> members_of_group(const SeedPlan& plan, std::size_t group);

/// Makes the plan's groups in the folder, whose stores must be closed, as the services make them:
/// with an entry for each change. Answers their conversations. Nobody is pushed.
Result<std::vector<std::string>> seed_groups(const Config& config, const SeedPlan& plan,
                                             const std::vector<auth::SeededUser>& users);

}  // namespace parley::app
