#pragma once
#include <cstdint>
#include <memory>
#include <rocksdb/env.h>
#include <string>
#include <vector>

#include "adapters/conversation_store/rocksdb/log_files.h"

namespace parley::test {

struct DiskState;

/// Which syncs do what they say.
struct Honest {
  bool log = true;     // of the log's files
  bool tables = true;  // of RocksDB's files
  bool names = true;   // of folders
};

enum class Failure {
  power,  // what was not synced is lost, but for what the seed keeps
  kill,   // of the process: nothing is lost, and what was not synced still is not
};

/// A disk in memory that forgets what was not synced; see README.md. Any thread. What it hands out
/// may outlive it.
class Disk {
 public:
  explicit Disk(Honest honest = {});

  std::shared_ptr<conversation_log::LogFiles> log_files() const;
  std::shared_ptr<rocksdb::Env> env() const;

  /// The failure comes in the `operations`-th write, sync or change of a name from now (from 1).
  void fail_after(std::uint64_t operations, Failure failure, std::uint64_t seed);
  /// Now, if it has not come yet.
  void fail_now(Failure failure, std::uint64_t seed);
  bool failed() const;
  /// The disk as the next opening finds it. Only after a failure.
  Disk found() const;

  /// Another disk with the same on it, unsynced bytes included.
  Disk copy() const;
  /// At most so many bytes in all files; writes that would need more have no space.
  void set_quota(std::uint64_t bytes);
  std::uint64_t used() const;
  /// Turns one byte of a file round.
  void damage(const std::string& path, std::uint64_t offset);
  std::uint64_t size(const std::string& path) const;
  std::vector<std::string> list(const std::string& folder) const;

 private:
  explicit Disk(std::shared_ptr<DiskState> state) : state_(std::move(state)) {}
  std::shared_ptr<DiskState> state_;
};

}  // namespace parley::test
