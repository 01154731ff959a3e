#include "adapters/conversation_store/rocksdb/commit_queue.h"

namespace parley {

void CommitQueue::push(Commit commit) {
  std::size_t entries = 0, bytes = 0;
  for (const auto& append : commit.group) {
    entries += append.entries.size() + (append.entries.empty() ? 1 : 0);
    bytes += 64 * (append.inboxes.size() + append.marks.size());
    for (const auto& entry : append.entries) bytes += sizeof(Entry) + entry->body.size();
  }
  std::vector<Append> dropped;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    // A single call larger than the bound goes when it is alone.
    commit.refused =
        entries_ != 0 && (entries_ + entries > entries_max_ || bytes_ + bytes > bytes_max_);
    if (commit.refused) {
      dropped = std::move(commit.group);
      commit.group.clear();
    } else {
      entries_ += entries;
      bytes_ += bytes;
    }
    waiting_.push_back(std::move(commit));
    wake = asleep_;
    asleep_ = false;
  }
  if (wake) wake_.notify_one();
}

bool CommitQueue::take(std::vector<Commit>& out, std::chrono::steady_clock::time_point deadline) {
  out.clear();
  std::unique_lock lock(mutex_);
  while (waiting_.empty() && !closed_) {
    asleep_ = true;
    if (wake_.wait_until(lock, deadline) == std::cv_status::timeout) break;
  }
  asleep_ = false;
  out.swap(waiting_);
  entries_ = bytes_ = 0;
  return !out.empty() || !closed_;
}

void CommitQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_one();
}

}  // namespace parley
