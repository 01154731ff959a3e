#pragma once
#include <memory>
#include <mutex>

#include "adapters/shared/sql/database.h"
#include "adapters/shared/sqlite/folder.h"
#include "base/ids.h"

namespace parley::sqlite {

struct Settings {
  std::filesystem::path folder;  // used by this database alone
  std::size_t readers = 1;       // connections beside the writer's
  std::size_t cache_kib = 256;   // page cache of one connection, at most: the system keeps more
  int checkpoint_pages = 1000;   // of write-ahead log before it is copied into the file
  bool sync = true;              // false loses commits in a power cut: only a test wants that
};

/// One SQLite file, named after its schema. See README.md for what is promised.
class Database final : public sql::Database {
 public:
  /// Errors are one sentence for the person who starts the server. `damaged` names the file;
  /// `unsupported`: written by a newer program; `unavailable`: in use, or not accessible.
  static Result<std::unique_ptr<Database>> open(Settings settings, const sql::Schema& schema);
  ~Database() override;

  std::string path() const { return path_.string(); }

  /// While it lives nobody writes.
  std::unique_lock<std::mutex> pause() { return std::unique_lock(mutex_); }
  /// What is committed at this moment, kept to be read while others write.
  class Snapshot {
   public:
    /// Into a new file, not synced. Blocks; `progress` hears how many bytes are there, and may end
    /// it.
    Result<void> copy_to(const std::filesystem::path& file,
                         const std::function<Result<void>(std::uint64_t bytes)>& progress);

   private:
    friend class Database;
    explicit Snapshot(const Database& of) : of_(of) {}
    const Database& of_;
    soci::session session_;
  };
  Result<std::unique_ptr<Snapshot>> snapshot();

 private:
  Database(Settings settings, Folder folder, std::string_view name);
  Result<void> run_read(const Work& work) override;
  Result<void> run_write(const Work& work) override;
  void connect(soci::session& session);
  Result<void> check();
  Result<void> migrate(const sql::Schema& schema);
  Error explain(const std::exception& e) const;

  Settings settings_;
  Folder folder_;
  std::filesystem::path path_;
  std::mutex mutex_;
  soci::session writer_;
  std::unique_ptr<soci::connection_pool> readers_;
};

}  // namespace parley::sqlite
