#pragma once
#include <cstddef>
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

}  // namespace parley::load
