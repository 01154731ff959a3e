#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include "adapters/conversation_store/rocksdb/tail.h"

namespace parley {

/// What the store says of itself as of a point in the log.
struct StoreState {
  std::uint64_t covered = 0;
  std::uint64_t feed = 0;
  std::uint64_t last_issued = 0;
  Generation generation;
  std::map<std::string, std::uint64_t, std::less<>> consumers;
  std::uint64_t trimmed = 0;  // of the feed: rows up to here are gone
};

/// The tail that grows and, while a flush runs, the frozen one before it. A reader asks here first
/// and the tables afterwards: a frozen tail is dropped only when the tables have it. One thread
/// changes, any thread reads.
class Tails {
 public:
  struct Frozen {
    std::unique_ptr<const Tail> tail;
    StoreState state;
  };

  explicit Tails(std::unique_ptr<Tail> growing) : growing_(std::move(growing)) {}

  /// Calls `f(Tail&)` while nobody reads. The changing thread only.
  template <class F>
  void change(F f) {
    const std::lock_guard lock(mutex_);
    f(*growing_);
  }

  /// Passes the tails, the newest first, to `f(const Tail&)`, while nothing changes.
  template <class F>
  void each(F f) const {
    const std::shared_lock lock(mutex_);
    f(std::as_const(*growing_));
    if (frozen_) f(*frozen_->tail);
  }

  /// The changing thread only, where nothing is frozen.
  void freeze(StoreState state) {
    const std::lock_guard lock(mutex_);
    auto next = std::make_unique<Tail>(growing_->last_feed());
    frozen_ = std::make_shared<Frozen>(Frozen{std::move(growing_), std::move(state)});
    growing_ = std::move(next);
  }
  std::shared_ptr<const Frozen> frozen() const {
    const std::shared_lock lock(mutex_);
    return frozen_;
  }
  void drop_frozen() {
    std::shared_ptr<const Frozen> dropped;  // ends after the lock
    const std::lock_guard lock(mutex_);
    dropped = std::move(frozen_);
  }
  /// The changing thread only.
  const Tail& growing() const { return *growing_; }

 private:
  mutable std::shared_mutex mutex_;
  std::unique_ptr<Tail> growing_;
  std::shared_ptr<const Frozen> frozen_;
};

}  // namespace parley
