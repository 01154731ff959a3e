// A copy of the store as of one moment, while it goes on.
#include <future>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"

namespace parley {
namespace {

constexpr std::chrono::seconds kPatience{120};  // for flushes
constexpr std::chrono::milliseconds kPause{20};

std::unexpected<Error> too_slow() {
  return fail(Code::unavailable,
              "the conversation store cannot sort what it has into its tables: is the disk full?");
}

}  // namespace

/// The moment is that at which a tail is frozen: its flush makes the tables hold exactly what was
/// committed until then, and they are copied before the next one.
Result<void> RocksdbConversationStore::snapshot(const std::string& into, const Cut& cut) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto wait = [&](const auto& until) {
    std::unique_lock lock(flush_mutex_);
    return flush_done_.wait_until(lock, deadline, until);
  };
  for (bool done = false; !done;) {
    if (!wait([&] { return tails_.frozen() == nullptr; })) return too_slow();
    cut.before();
    std::promise<bool> frozen;
    commit(info_.generation, TimeMs(0), {}, [&](Result<std::uint64_t> taken) {
      const bool good = taken && tails_.frozen() == nullptr;
      if (good) {
        {
          const std::lock_guard lock(flush_mutex_);
          snapshot_ = into;
        }
        freeze();
        wake_flusher();
      }
      frozen.set_value(good);
    });
    done = frozen.get_future().get();
    cut.after(done);
    if (!done && std::chrono::steady_clock::now() > deadline) return too_slow();
    if (!done) std::this_thread::sleep_for(kPause);  // another flush began meanwhile
  }
  if (!wait([&] { return snapshot_.empty(); })) {
    const std::lock_guard lock(flush_mutex_);
    snapshot_.clear();
    return too_slow();
  }
  const std::lock_guard lock(flush_mutex_);
  return snapshot_made_;
}

/// The flusher's, between the end of a flush and everything after it.
void RocksdbConversationStore::make_snapshot() {
  std::string into;
  {
    const std::lock_guard lock(flush_mutex_);
    into = snapshot_;
  }
  if (into.empty()) return;
  auto made = index_->checkpoint(into);
  const std::lock_guard lock(flush_mutex_);
  snapshot_made_ = std::move(made);
  snapshot_.clear();
}

Result<void> RocksdbConversationStore::restore(const std::string& folder, Settings settings) {
  return restore_store(folder, std::move(settings));
}

}  // namespace parley
