#pragma once
#include <cstddef>
#include <limits>
#include <utility>

namespace parley {

/// While one lives, a ConversationStore's reads on this thread neither wait for a disk nor go
/// through more than about `bytes`: one that would fails with `busy`, and is to be asked again
/// where it may take its time. So that an event loop can read what lies in memory by itself.
class QuickReads {
 public:
  explicit QuickReads(std::size_t bytes) : before_(std::exchange(left_, bytes)) {}
  ~QuickReads() { left_ = before_; }
  QuickReads(const QuickReads&) = delete;

  // For stores.
  static bool wanted() { return left_ != kUnbounded; }
  /// Takes the cost of a look at a row of so many bytes; false where that is too much.
  static bool take(std::size_t bytes) {
    if (!wanted()) return true;
    const auto cost = kRow + bytes;
    const bool enough = left_ >= cost;
    left_ -= enough ? cost : left_;
    return enough;
  }

 private:
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t kRow = 64;  // what finding a row costs, in bytes of reading

  static inline thread_local std::size_t left_ = kUnbounded;
  const std::size_t before_;
};

}  // namespace parley
