#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"

#include <algorithm>

#include "adapters/conversation_store/rocksdb/flush.h"
#include "adapters/conversation_store/rocksdb/group.h"
#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"

namespace parley {
namespace {

using std::chrono::steady_clock;

// A group is cut off here, so that a record is not made from more than a cache holds.
constexpr std::size_t kGroupBytes = 1 << 20;
constexpr std::uint32_t kRetryMs = 200;
// Longest wait before a group when the flush is behind.
constexpr std::chrono::milliseconds kSlowest(20);

}  // namespace

Result<std::unique_ptr<RocksdbConversationStore>> RocksdbConversationStore::open(
    std::string folder, Settings settings) {
  PARLEY_TRY(parts, open_store(folder, std::move(settings)));
  return std::unique_ptr<RocksdbConversationStore>(
      new RocksdbConversationStore(std::move(parts), StorePaths(folder)));
}

RocksdbConversationStore::RocksdbConversationStore(StoreParts parts, StorePaths paths)
    : paths_(std::move(paths)),
      settings_(std::move(parts.settings)),
      files_(std::move(parts.files)),
      info_(parts.info),
      lock_(std::move(parts.lock)),
      index_(std::move(parts.index)),
      log_(std::move(parts.log)),
      tails_(std::move(parts.tail)),
      queue_(settings_.waiting_entries_max, settings_.waiting_bytes_max),
      last_issued_(parts.state.last_issued),
      tail_bytes_(parts.tail_bytes),
      trimmed_(parts.state.trimmed) {
  for (auto& [consumer, position] : parts.state.consumers) positions_[consumer] = {position, true};
  flusher_ = std::thread([this] { run_flusher(); });
  committer_ = std::thread([this] { run_committer(); });
}

RocksdbConversationStore::~RocksdbConversationStore() {
  {
    const std::lock_guard lock(flush_mutex_);
    closing_ = true;
  }
  flush_done_.notify_all();
  queue_.close();
  committer_.join();
  {
    const std::lock_guard lock(flush_mutex_);
    flusher_stops_ = true;
  }
  flush_wake_.notify_all();
  flusher_.join();
  // What the flusher left: the log has it as well, so a failure here costs nothing but time later.
  auto flushed = tails_.frozen() != nullptr ? flush_frozen() : Result<void>();
  if (flushed) {
    freeze();
    flushed = flush_frozen();
  }
  if (!flushed) log::warn("store", "not flushed at the end reason=\"{}\"", flushed.error().message);
}

void RocksdbConversationStore::commit(Generation generation, TimeMs now, std::vector<Append> group,
                                      Done done) {
  queue_.push({generation, now, std::move(group), std::move(done)});
}

void RocksdbConversationStore::run_committer() {
  name_thread("committer");
  std::vector<Commit> batch;
  while (queue_.take(batch, steady_clock::now() + settings_.idle_flush_after)) {
    const bool idle = batch.empty();
    for (std::size_t from = 0; from < batch.size();) {
      slow_down();
      from = process(batch, from);
    }
    freeze_if_due(idle);
  }
}

Error RocksdbConversationStore::stale() {
  return {Code::stale_generation, "the conversation store was opened again since then"};
}

std::size_t RocksdbConversationStore::process(std::vector<Commit>& batch, std::size_t from) {
  const auto refusal = [&](const Commit& commit) -> std::optional<Error> {
    if (commit.generation != info_.generation) return stale();
    if (commit.refused) return Error{Code::busy, "the store is busy: try again", {}, kRetryMs};
    return std::nullopt;
  };
  record_.assign(conversation_log::kRecordHeaderBytes, '\0');
  std::size_t to = from;
  for (; to < batch.size() && record_.size() < kGroupBytes; ++to)
    if (!refusal(batch[to]))
      for (const auto& append : batch[to].group)
        encode_append(append, batch[to].now, info_.generation, record_);
  const bool any = record_.size() > conversation_log::kRecordHeaderBytes;
  const auto written = any ? write() : Result<void>();

  const std::uint64_t feed = tails_.growing().last_feed();
  std::vector<std::uint64_t> feeds;
  if (any && written) {
    feeds.reserve(to - from);
    tails_.change([&](Tail& tail) {
      for (auto i = from; i < to; ++i) {
        if (!refusal(batch[i]))
          for (const auto& append : batch[i].group) {
            for (const auto& entry : append.entries)
              last_issued_ = std::max(last_issued_, entry->id.value);
            tail.append(append, batch[i].now);
          }
        feeds.push_back(tail.last_feed());
      }
    });
  }
  for (auto i = from; i < to; ++i) {
    auto& commit = batch[i];
    if (auto error = refusal(commit))
      commit.done(std::unexpected(std::move(*error)));
    else if (!written)
      commit.done(std::unexpected(written.error()));
    else
      commit.done(feeds.empty() ? feed : feeds[i - from]);
  }
  return to;
}

Result<void> RocksdbConversationStore::write() {
  if (full_)
    return fail_for(Code::storage_full, "no space left on the disk: nothing was stored", kRetryMs);
  std::vector<std::string> logged;
  {
    const std::lock_guard lock(positions_mutex_);
    for (auto& [consumer, position] : positions_)
      if (!position.logged) {
        encode_position(consumer, position.position, record_);
        position.logged = true;
        logged.push_back(consumer);
      }
  }
  const auto before = log_->end();
  auto end = log_->append(record_);
  if (end) {
    tail_bytes_ += *end - before;
    if (log_->wants_spare()) wake_flusher();
    return {};
  }
  const std::lock_guard lock(positions_mutex_);
  for (const auto& consumer : logged) positions_[consumer].logged = false;
  PARLEY_CHECK(end.error().code == Code::storage_full, end.error().message);
  return fail_for(Code::storage_full, "no space left on the disk: nothing was stored", kRetryMs);
}

double RocksdbConversationStore::load() const {
  const auto of = [](std::uint64_t n, std::size_t limit) {
    return static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(limit, 1));
  };
  const auto frozen = tails_.frozen();
  const auto entries = tails_.growing().entries() + (frozen ? frozen->tail->entries() : 0);
  const auto bytes = tail_bytes_ + (frozen ? frozen_bytes_ : 0);
  return std::max(of(entries, settings_.flush_entries), of(bytes, settings_.flush_bytes));
}

void RocksdbConversationStore::slow_down() {
  const auto excess = [&] {
    return (load() - settings_.slow_at) / (settings_.stop_at - settings_.slow_at);
  };
  const auto now = excess();
  if (now <= 0 || full_) return;
  std::unique_lock lock(flush_mutex_);
  if (now < 1) {
    flush_done_.wait_for(lock, now * kSlowest, [&] { return closing_; });
    return;
  }
  flush_done_.wait(lock, [&] { return closing_ || full_ || tails_.frozen() == nullptr; });
}

void RocksdbConversationStore::freeze_if_due(bool idle) {
  if (tails_.frozen() != nullptr) return;
  const auto& tail = tails_.growing();
  const auto rows = tail.entries() + tail.participants().size();
  const auto segments_max = settings_.flush_bytes / settings_.segment_bytes + 4;
  if (tail.entries() < settings_.flush_entries && tail_bytes_ < settings_.flush_bytes &&
      log_->segments() < segments_max && !(idle && rows >= settings_.idle_flush_rows))
    return;
  freeze();
  wake_flusher();
}

void RocksdbConversationStore::freeze() {
  StoreState state{log_->end(), tails_.growing().last_feed(), last_issued_, info_.generation, {},
                   trimmed_};
  {
    const std::lock_guard lock(positions_mutex_);
    for (const auto& [consumer, position] : positions_)
      state.consumers[consumer] = position.position;
  }
  tails_.freeze(std::move(state));
  frozen_bytes_ = std::exchange(tail_bytes_, 0);
}

}  // namespace parley
