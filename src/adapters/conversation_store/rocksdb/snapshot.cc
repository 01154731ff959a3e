// A copy of the store as of one moment, while it goes on.
#include <future>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"

namespace parley {
namespace {

constexpr std::chrono::seconds kPatience{120};  // for a flush

}  // namespace

/// The moment lies between two commits, while no flush runs: what the tables lack then is in the
/// log before its end, whatever is written there later.
Result<std::vector<conversation_log::LogPart>> RocksdbConversationStore::snapshot(
    const std::string& into, const Cut& cut) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<conversation_log::LogPart> log;
  for (bool done = false; !done;) {
    if (!tables_.try_acquire_until(deadline))
      return fail(Code::unavailable,
                  "the conversation store cannot sort what it has into its tables: is the disk "
                  "full?");
    tables_.release();  // the committer may have to wait for a flush before it comes to this one
    cut.before();
    std::promise<bool> taken;
    commit(info_.generation, TimeMs(0), {}, [&](const Result<std::uint64_t>& good) {
      const bool mine = good && tables_.try_acquire();
      if (mine) log = log_->parts();
      taken.set_value(mine);
    });
    done = taken.get_future().get();
    cut.after(done);
  }
  const Held held(tables_);
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
