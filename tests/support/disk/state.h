#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/disk/disk.h"

namespace parley::test {

/// A write, or, with `truncate`, a cut to `offset` bytes.
struct Change {
  std::uint64_t offset = 0;
  std::string data;
  bool truncate = false;
  void apply(std::string& bytes) const;
};

struct Inode {
  std::string live;             // as a process sees it
  std::string durable;          // as the disk holds it
  std::vector<Change> pending;  // what leads from one to the other
};
using InodePtr = std::shared_ptr<Inode>;

/// Names of one folder that changed together; null: gone.
using NameChange = std::vector<std::pair<std::string, InodePtr>>;

/// What a Disk is. All members are guarded by `mutex`; the functions take it.
struct DiskState {
  mutable std::mutex mutex;
  Honest honest;
  std::map<std::string, InodePtr> names, durable_names;
  std::map<std::string, std::vector<NameChange>> pending_names;  // by folder
  std::set<std::string> folders;
  std::set<std::string> locks;
  std::uint64_t used() const;  // with `mutex` held
  std::uint64_t quota = UINT64_MAX;
  std::uint64_t operations = 0;
  std::uint64_t fail_at = 0;  // 0: never
  Failure failure = Failure::power;
  std::uint64_t seed = 0;
  std::shared_ptr<DiskState> found;

  InodePtr find(const std::string& path) const;
  std::vector<std::string> list(const std::string& folder) const;
  /// False where there is no space.
  bool write(Inode& file, std::uint64_t offset, std::string_view bytes);
  bool append(Inode& file, std::string_view bytes);
  void truncate(Inode& file, std::uint64_t size);
  void sync(Inode& file, bool honest);
  /// A new empty file, or an old one made empty.
  InodePtr create(const std::string& path);
  /// A new file of zeros, its content synced. Null where there is no space.
  InodePtr create_filled(const std::string& path, std::uint64_t size);
  std::size_t links(const Inode& file) const;
  bool link(const std::string& from, const std::string& to);
  bool rename(const std::string& from, const std::string& to);
  bool remove(const std::string& path);
  void sync_folder(const std::string& folder);
  bool lock(const std::string& path);
  void unlock(const std::string& path);
  void fail();

 private:
  friend class Disk;
  void step();
  void change_names(const std::string& folder, NameChange change);
  std::shared_ptr<DiskState> after_power_cut() const;
  std::shared_ptr<DiskState> after_kill() const;
};

/// Without doubled and trailing slashes.
std::string clean(const std::string& path);
std::string folder_of(const std::string& path);

std::shared_ptr<rocksdb::Env> table_env(std::shared_ptr<DiskState> state);

}  // namespace parley::test
