#include "plan.h"

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

}  // namespace parley::load
