#pragma once
#include <algorithm>

#include "base/ids.h"

namespace parley {

/// How far a user is in a conversation, and in a group since when. All of it only grows, and read
/// implies delivered.
struct Marks {
  Seq delivered;
  Seq read;
  std::uint64_t read_countable = 0;  // countable messages up to `read`
  Seq joined = {};                   // of a group: the entry by which the user last became a member
  Seq left = {};                     // the entry by which the user last ceased to be one

  /// Takes the greater of each; says whether anything grew.
  bool merge(const Marks& other) {
    const Marks before = *this;
    if (other.read > read) {
      read = other.read;
      read_countable = other.read_countable;
    }
    delivered = std::max({delivered, other.delivered, read});
    joined = std::max(joined, other.joined);
    left = std::max(left, other.left);
    return *this != before;
  }
  /// Of a group: whether the user is a member now.
  bool member() const { return joined > left; }
  bool operator==(const Marks&) const = default;
};

/// What a user has not read of a conversation with so many countable messages.
inline std::uint64_t unread(std::uint64_t head_countable, const Marks& marks) {
  return head_countable > marks.read_countable ? head_countable - marks.read_countable : 0;
}

}  // namespace parley
