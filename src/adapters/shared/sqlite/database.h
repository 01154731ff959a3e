#pragma once
#include <memory>
#include <mutex>
#include <soci/soci.h>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "adapters/shared/sqlite/folder.h"
#include "base/ids.h"
#include "base/result.h"

namespace parley::sqlite {

struct Settings {
  std::filesystem::path folder;  // used by this database alone
  std::string file;              // its name in the folder
  std::size_t readers = 1;       // connections beside the writer's
  std::size_t cache_kib = 256;   // page cache of one connection, at most: the system keeps more
  int checkpoint_pages = 1000;   // of write-ahead log before it is copied into the file
  bool sync = true;              // false loses commits in a power cut: only a test wants that
};

/// A step from schema `version - 1` to `version`; versions are dense from 1. Never changed once
/// released.
struct Migration {
  int version;
  std::vector<std::string_view> statements;
};

/// One SQLite file through SOCI. Any thread. See README.md for what is promised.
class Database {
 public:
  /// Errors are one sentence for the person who starts the server. `damaged` names the file;
  /// `unsupported`: written by a newer program; `unavailable`: in use, or not accessible.
  static Result<std::unique_ptr<Database>> open(Settings settings,
                                                std::span<const Migration> migrations);
  ~Database();

  /// Runs `f(soci::session&)`, which returns a Result, on a reader's connection. SOCI's exceptions
  /// become errors.
  template <class F>
  std::invoke_result_t<F, soci::session&> read(F f) {
    try {
      soci::session session(*readers_);
      return f(session);
    } catch (const std::exception& e) {
      return std::unexpected(explain(e));
    }
  }

  /// The same in one transaction of the only writer: committed and synced if `f` returned a
  /// success, else undone.
  template <class F>
  std::invoke_result_t<F, soci::session&> write(F f) {
    const std::lock_guard lock(mutex_);
    try {
      soci::transaction transaction(writer_);
      auto result = f(writer_);
      if (result) transaction.commit();
      return result;
    } catch (const std::exception& e) {
      return std::unexpected(explain(e));
    }
  }

  const std::string& path() const { return path_; }

 private:
  Database(Settings settings, Folder folder);
  void connect(soci::session& session);
  Result<void> check();
  Result<void> migrate(std::span<const Migration> migrations);
  Error explain(const std::exception& e) const;

  Settings settings_;
  Folder folder_;
  std::string path_;
  std::mutex mutex_;
  soci::session writer_;
  std::unique_ptr<soci::connection_pool> readers_;
};

}  // namespace parley::sqlite
