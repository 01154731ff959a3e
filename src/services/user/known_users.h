#pragma once
#include <atomic>
#include <memory>

#include "base/ids.h"

namespace parley::user {

/// Users who are known to exist: a fixed table in which a later one may take an earlier one's
/// place. Any thread, no locks. Right as long as accounts are never removed.
class KnownUsers {
 public:
  /// `slots` is rounded up to a power of two; each takes 8 bytes, once touched.
  explicit KnownUsers(std::size_t slots);

  void add(UserId user) { slot(user).store(user.value, std::memory_order_relaxed); }
  bool contains(UserId user) const {
    return user && slot(user).load(std::memory_order_relaxed) == user.value;
  }

 private:
  std::atomic<std::uint64_t>& slot(UserId user) const {
    return slots_[std::hash<UserId>()(user) & mask_];
  }
  struct Free {
    void operator()(std::atomic<std::uint64_t>* slots) const;
  };

  std::size_t mask_;
  std::unique_ptr<std::atomic<std::uint64_t>[], Free> slots_;
};

}  // namespace parley::user
