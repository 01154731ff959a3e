#pragma once
#include <filesystem>
#include <functional>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/shared/sqlite/database.h"
#include "app/config.h"

namespace parley::app {

struct Stores;

/// Hears what it is about, and bytes done of all (0 of 0: nobody knows); an error of it ends that.
using BackupProgress =
    std::function<Result<void>(const std::string& what, std::uint64_t done, std::uint64_t total)>;

enum class Pace {
  gentle,  // for a server at work: it gets nearly all of disk and processor
  full,
};

/// Copies all stores of a data folder, as of one moment, into a new folder (or an empty one), while
/// their server goes on. The copy is complete when it has its `SHA256SUMS`. Blocks; only one at a
/// time. `already_exists`: there is something in the folder. Errors are one sentence.
Result<void> backup(const Stores& stores, const std::filesystem::path& data,
                    const std::filesystem::path& into, Pace pace, const BackupProgress& progress);

/// `parleyd backup`: asks the server that runs on the data folder for it; of one that is stopped it
/// opens the stores itself.
Result<void> run_backup(const Config& config, const std::string& into);

/// `parleyd restore`: makes a data folder of a backup, each of whose files is checked. Nothing of
/// the folder is there until all is: killed, it is run again. `already_exists`: there is something
/// in the data folder; `damaged`: the backup is not whole.
Result<void> restore(const Config& config, const std::string& from);

}  // namespace parley::app
