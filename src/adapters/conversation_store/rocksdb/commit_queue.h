#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "ports/conversation_store.h"

namespace parley {

/// One call of `commit`, waiting for its turn.
struct Commit {
  Generation generation;
  TimeMs now;
  std::vector<Append> group;
  ConversationStore::Done done;
  bool refused = false;  // the queue was full: only the answer waits
};

/// Calls in their order, from any thread to the committer. Bounded by what they hold; a call above
/// that keeps its place, so that its refusal is answered in its turn.
class CommitQueue {
 public:
  CommitQueue(std::size_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  void push(Commit commit);
  /// Moves all that waits into `out` (emptied first); waits for something until `deadline`. False
  /// when closed and empty.
  bool take(std::vector<Commit>& out, std::chrono::steady_clock::time_point deadline);
  /// Entries that wait; a call that holds marks alone counts as one.
  std::size_t entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  /// What is there is still taken.
  void close();

 private:
  const std::size_t entries_max_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Commit> waiting_;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
  bool asleep_ = false;
  bool closed_ = false;
};

}  // namespace parley
