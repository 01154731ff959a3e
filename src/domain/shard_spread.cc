#include "domain/shard_spread.h"

#include <algorithm>
#include <numeric>

namespace parley {

std::vector<std::size_t> spread_shards(std::span<const std::string> owners,
                                       std::span<const std::string> members) {
  std::vector<std::size_t> target(owners.size(), kNoMember);
  if (members.empty()) return target;
  std::vector<std::size_t> held(members.size());
  for (std::size_t shard = 0; shard < owners.size(); ++shard) {
    const auto at = std::ranges::lower_bound(members, owners[shard]);
    if (at == members.end() || *at != owners[shard]) continue;
    target[shard] = static_cast<std::size_t>(at - members.begin());
    ++held[target[shard]];
  }

  // The remainder of the division goes to those who hold the most: fewest moves.
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return held[a] != held[b] ? held[a] > held[b] : a < b;
  });
  std::vector<std::size_t> room(members.size(), owners.size() / members.size());
  for (std::size_t i = 0; i < owners.size() % members.size(); ++i) ++room[order[i]];

  for (auto& member : target) {
    if (member == kNoMember) continue;
    if (room[member] == 0)
      member = kNoMember;
    else
      --room[member];
  }
  std::size_t next = 0;
  for (auto& member : target) {
    if (member != kNoMember) continue;
    while (room[next] == 0) ++next;
    member = next;
    --room[next];
  }
  return target;
}

}  // namespace parley
