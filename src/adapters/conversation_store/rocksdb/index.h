#pragma once
#include <array>
#include <functional>
#include <memory>
#include <rocksdb/db.h>
#include <string>

#include "adapters/conversation_store/rocksdb/settings.h"
#include "base/result.h"

namespace parley {

/// Rows of `inbox` and `marks` merge by maximum with those that are there; in the others a new row
/// takes the place of the old one.
enum class Table : std::size_t { meta, entries, idem, inbox, marks, feed };
inline constexpr std::size_t kTables = 6;

/// The tables behind the log: RocksDB, written only by whole sorted files. Any thread.
class Index {
 public:
  using Settings = RocksdbConversationStoreSettings;

  enum class Mode {
    read_only,   // changes nothing in the folder: nothing can be written either
    read_write,  // throws away what no table refers to: only when all was checked
    create,      // or what is missing of it
  };
  /// Opens the tables in `folder`. `damaged` names the file.
  static Result<std::unique_ptr<Index>> open(std::string folder, const Settings& settings,
                                             Mode mode);
  ~Index();
  Index(const Index&) = delete;

  // Under QuickReads, both fail with `busy` where a block is not in the cache.

  /// Whether there is a value; it stays valid with `out`.
  Result<bool> get(Table table, std::string_view key, rocksdb::PinnableSlice& out);
  /// Passes rows from the first key at or after `from` on, until `each` says false.
  Result<void> scan(Table table, std::string_view from,
                    const std::function<bool(std::string_view key, std::string_view value)>& each);

  /// Writes one file of rows for a table, keys strictly rising.
  class Writer {
   public:
    Writer(const Index& index, Table table, std::string path);
    Writer(const Writer&) = delete;
    ~Writer();
    Result<void> add(std::string_view key, std::string_view value);
    /// Deletes what the table has from `from` on and before `to`. Rows of the same file must lie
    /// outside.
    Result<void> remove(std::string_view from, std::string_view to);
    /// Synced. False where there were no rows, and no file.
    Result<bool> finish();

   private:
    struct Impl;
    Result<void> open();
    std::unique_ptr<Impl> impl_;
  };

  /// Takes files in, all of them or none, synced: afterwards they are the tables' own.
  Result<void> ingest(const std::array<std::string, kTables>& paths);  // empty: none

  /// Puts the tables as they are now into a new folder on the same file system: the tables' files
  /// by hard links. Nothing is synced.
  Result<void> checkpoint(const std::string& into);

  /// Background work that stopped for lack of space begins again. True: it met no error since the
  /// last call, and runs. Cheap.
  bool resume();
  /// How many sorted runs a read of the table has to look at, at most.
  std::uint64_t runs(Table table) const;
  /// Empties what the tables hold in memory for reading.
  void shrink();
  /// Every block of every file is read and checked, if they are at most `bytes` together.
  Result<void> verify(std::size_t bytes);

 private:
  struct Impl;
  explicit Index(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley
