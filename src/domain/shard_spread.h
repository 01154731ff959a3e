#pragma once
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace parley {

inline constexpr std::size_t kNoMember = std::numeric_limits<std::size_t>::max();

/// Which member each shard should be with: as evenly as can be (counts differ by at most one), with
/// as few moves as that allows, and the same for everybody who knows the same. `owners[shard]` is
/// the id of the present owner, empty or unknown if there is none; `members` are sorted and without
/// repetition. Answers, by shard, an index into `members`; all kNoMember if there are none.
///
/// A member that has too many keeps its lowest-numbered ones, so that a spread that is half carried
/// out leads to the same end.
std::vector<std::size_t> spread_shards(std::span<const std::string> owners,
                                       std::span<const std::string> members);

}  // namespace parley
