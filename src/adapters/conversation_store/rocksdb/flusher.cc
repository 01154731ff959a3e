// The flusher's side of RocksdbConversationStore.
#include "adapters/conversation_store/rocksdb/flush.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "base/log.h"
#include "base/thread.h"

namespace parley {
namespace {

constexpr std::chrono::seconds kRetry(1);
// More sorted runs than this make every read slow: the compaction goes first.
constexpr std::uint64_t kRunsMax = 24;

}  // namespace

void RocksdbConversationStore::wake_flusher() {
  {
    const std::lock_guard lock(flush_mutex_);
    work_ = true;
  }
  flush_wake_.notify_one();
}

void RocksdbConversationStore::run_flusher() {
  name_thread("flusher");
  step_back();
  bool done = maintain();
  std::unique_lock lock(flush_mutex_);
  for (;;) {
    const auto due = [&] { return work_ || flusher_stops_; };
    if (done)
      flush_wake_.wait(lock, due);
    else
      flush_wake_.wait_for(lock, kRetry, due);
    if (flusher_stops_) return;
    work_ = false;
    lock.unlock();
    done = maintain();
    lock.lock();
  }
}

bool RocksdbConversationStore::maintain() {
  index_->resume();
  const auto prepared = log_->prepare();  // where it fails, the committer tries by itself
  if (tails_.frozen() != nullptr && index_->runs(Table::entries) > kRunsMax) return false;
  Result<void> flushed;
  if (tails_.frozen() != nullptr) flushed = flush_frozen();
  if (!flushed)
    log::error("store", "flush failed, the log keeps what it has reason=\"{}\"",
               flushed.error().message);
  else
    flushed = keep_reserve();
  set_full(!flushed && flushed.error().code == Code::storage_full);
  return prepared && flushed;
}

void RocksdbConversationStore::set_full(bool full) {
  if (full_.exchange(full) != full && full) log::error("store", "the disk is full");
  {
    const std::lock_guard lock(flush_mutex_);
  }
  flush_done_.notify_all();
}

Result<void> RocksdbConversationStore::flush_frozen() {
  {
    std::unique_lock lock(flush_mutex_);
    flush_done_.wait(lock, [this] { return !tables_taken_; });
    tables_taken_ = true;
  }
  const Taken taken(*this);
  const auto frozen = tails_.frozen();
  auto flushed = flush(*index_, *frozen->tail, frozen->state, paths_.flush, settings_.tables_env());
  if (!flushed && flushed.error().code == Code::storage_full && *files_->exists(paths_.reserve))
    PARLEY_TRY_VOID(files_->remove(paths_.reserve));  // the next try has that much more
  if (!flushed) return flushed;
  tails_.drop_frozen();
  {
    const std::lock_guard lock(flush_mutex_);
  }
  flush_done_.notify_all();
  return log_->release(frozen->state.covered);
}

Result<void> RocksdbConversationStore::keep_reserve() {
  PARLEY_TRY(there, files_->exists(paths_.reserve));
  if (there || settings_.reserve_bytes == 0) return {};
  PARLEY_TRY_VOID(files_->reserve(paths_.reserve, settings_.reserve_bytes));
  return files_->sync_directory(paths_.folder);
}

}  // namespace parley
