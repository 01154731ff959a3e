#include "plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace parley::load {

std::vector<std::pair<std::size_t, std::size_t>> make_pairs(std::size_t people, std::size_t senders,
                                                            std::size_t conversations) {
  if (people < 2 || senders >= people)
    throw std::runtime_error(fmt::format(
        "{} people are too few for {} senders and somebody who listens", people, senders));
  if (senders == 0 && people % 2 != 0) --people;
  const std::size_t receivers = people - senders;
  if (conversations == 0) conversations = senders == 0 ? people / 2 : senders;
  const std::size_t most = senders == 0 ? people * (people - 1) / 2 : senders * receivers;
  if (conversations > most)
    throw std::runtime_error(fmt::format("{} conversations wanted, and these people make {} pairs",
                                         conversations, most));
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  pairs.reserve(conversations);
  for (std::size_t k = 0; k < conversations; ++k) {
    if (senders > 0) {
      const std::size_t sender = k % senders;
      pairs.emplace_back(sender, senders + (sender + k / senders) % receivers);
      continue;
    }
    const std::size_t circle = people - 1;
    const std::size_t round = k / (people / 2);
    const std::size_t slot = k % (people / 2);
    if (slot == 0)
      pairs.emplace_back(round, circle);
    else
      pairs.emplace_back((round + slot) % circle, (round + circle - slot) % circle);
  }
  return pairs;
}

std::vector<GroupPlan> make_groups(std::size_t people, std::size_t groups, std::size_t members,
                                   std::size_t posters) {
  if (groups > 0 && (members < 2 || members > people))
    throw std::runtime_error(fmt::format("{} people make no group of {} members", people, members));
  std::vector<GroupPlan> plans(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    GroupPlan& plan = plans[g];
    plan.posters = posters == 0 ? members : std::min(posters, members);
    const std::size_t first = g * members + g * members / people;  // and one more each round
    for (std::size_t k = 0; k < members; ++k) plan.members.push_back((first + k) % people);
  }
  return plans;
}

}  // namespace parley::load
