#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace parley::load {

/// Who talks with whom: pairs of different people by their number, each pair once. The first of a
/// pair sends; without `senders` both do. Everyone gets an equal share.
///
/// With `senders`: conversation k is sender k mod senders with the next receiver. Without: rounds
/// of a tournament (the circle method), so that any multiple of people/2 is fair. Throws
/// std::runtime_error if there are not so many pairs.
std::vector<std::pair<std::size_t, std::size_t>> make_pairs(std::size_t people, std::size_t senders,
                                                            std::size_t conversations);

/// One process's part of a number that all processes share.
inline std::size_t part_of(std::size_t whole, std::size_t processes, std::size_t process) {
  return whole / processes + (process < whole % processes ? 1 : 0);
}

/// A group of the load: its conversation, and its members by their number among the people. The
/// first `posters` of them post.
struct GroupPlan {
  std::string conversation;
  std::vector<std::size_t> members;
  std::size_t posters = 0;
};

/// Who is in which group, the owner first; everyone is in as many as the others, or one more. Each
/// round of the people is shifted by one, so that groups differ. Conversations are not named yet.
/// Throws std::runtime_error if there are too few people for one.
std::vector<GroupPlan> make_groups(std::size_t people, std::size_t groups, std::size_t members,
                                   std::size_t posters);

}  // namespace parley::load
