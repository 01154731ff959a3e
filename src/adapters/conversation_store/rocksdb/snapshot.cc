// A copy of the store as of one moment, while it goes on.
#include <future>
#include <optional>
#include <utility>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"

namespace parley {
namespace {

constexpr std::chrono::seconds kPatience{120};  // for a flush
constexpr std::chrono::milliseconds kPause{20};

}  // namespace

RocksdbConversationStore::Taken::~Taken() {
  {
    const std::lock_guard lock(store_.flush_mutex_);
    store_.tables_taken_ = false;
  }
  store_.flush_done_.notify_all();
}

bool RocksdbConversationStore::try_take_tables() {
  const std::lock_guard lock(flush_mutex_);
  return !std::exchange(tables_taken_, true);
}

/// The moment lies between two commits, while no flush runs: what the tables lack then is in the
/// log before its end, whatever is written there later.
Result<std::vector<conversation_log::LogPart>> RocksdbConversationStore::snapshot(
    const std::string& into, const Cut& cut) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<conversation_log::LogPart> log;
  std::optional<Taken> taken;
  for (;;) {
    {
      // The committer may have to wait for a flush before it comes to the commit below, and who is
      // paused meanwhile should not.
      std::unique_lock lock(flush_mutex_);
      flush_done_.wait_until(lock, deadline, [this] {
        return !tables_taken_ && (full_ || tails_.frozen() == nullptr);
      });
    }
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Code::unavailable,
                  "the conversation store cannot sort what it has into its tables: is the disk "
                  "full?");
    cut.before();
    std::promise<bool> moment;
    commit(info_.generation, TimeMs(0), {}, [&](const Result<std::uint64_t>& good) {
      const bool mine = good && try_take_tables();
      if (mine) log = log_->parts();
      moment.set_value(mine);
    });
    if (moment.get_future().get()) taken.emplace(*this);
    cut.after(taken.has_value());
    if (taken) break;
    std::this_thread::sleep_for(kPause);
  }
  const StorePaths copy(into);
  // None of this has to outlive the process.
  for (const auto& folder : {copy.folder, copy.log})
    if (auto made = settings_.tables_env().CreateDirIfMissing(folder); !made.ok())
      return fail(Code::unavailable, made.ToString());
  for (const auto& part : log)
    PARLEY_TRY_VOID(files_->link(paths_.log + "/" + part.name, copy.log + "/" + part.name));
  PARLEY_TRY_VOID(index_->checkpoint(copy.tables));
  return log;
}

Result<void> RocksdbConversationStore::restore(const std::string& folder, Settings settings) {
  return restore_store(folder, std::move(settings));
}

}  // namespace parley
