#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace parley::net {

/// One deadline each for many small numbers (slots of a slab), at a coarse tick: eight bytes per
/// number, every operation constant. Deadlines farther than `kHorizon` fire early: whoever is told
/// looks whether it is time, and if not, sets the rest (Varghese and Lauck, "Hashed and
/// Hierarchical Timing Wheels", scheme 4). One thread.
class TimingWheel {
 public:
  static constexpr std::uint32_t kHorizon = 127;  // ticks

  TimingWheel();

  /// Memory for numbers below `count` is set aside, not touched.
  void reserve(std::size_t count) { links_.reserve(count + kLists); }

  /// Fires `number` once, `ticks` (at least 1) from now, instead of what was set for it before.
  void set(std::uint32_t number, std::uint32_t ticks);
  void clear(std::uint32_t number);

  std::uint32_t now() const { return now_; }

  /// Moves on to tick `to` and calls `fire(number)` for each that is due; it may set and clear any.
  template <class Fire>
  void advance(std::uint32_t to, Fire&& fire) {
    collect(to);
    while (links_[kDue].next != kDue) {
      const auto link = links_[kDue].next;
      unlink(link);
      fire(link - kLists);
    }
  }

 private:
  struct Link {
    std::uint32_t previous, next;  // itself, if alone
  };
  // The heads of the lists come first, then one link per number.
  static constexpr std::uint32_t kBuckets = kHorizon + 1;
  static constexpr std::uint32_t kDue = kBuckets;
  static constexpr std::uint32_t kLists = kBuckets + 1;

  void collect(std::uint32_t to);
  void unlink(std::uint32_t link);

  std::vector<Link> links_;
  std::uint32_t now_ = 0;
};

}  // namespace parley::net
