#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/conversation_store/rocksdb/log_recovery.h"

namespace parley::conversation_log {

/// The store's own log: records written one after the other into files that were filled with zeros
/// beforehand and are used again, each synced before the next is written.
///
/// Threads: `append` and `parts` by one thread; `prepare`, `release` and `segments` by any, also
/// beside it.
class Log {
 public:
  struct Settings {
    std::shared_ptr<LogFiles> files;
    std::string folder;
    std::uint64_t epoch = 0;
    std::size_t segment_bytes = 0;
  };

  /// Continues what was recovered (a new log: nothing), as `generation`: what it writes first is
  /// an empty record in a file not used yet, so that nothing before it can be taken for a
  /// continuation of it. Synced.
  static Result<std::unique_ptr<Log>> start(Settings settings, const LogContents& recovered,
                                            std::uint64_t generation);

  /// Completes `record` (kRecordHeaderBytes of room, then the payload), writes and syncs it.
  /// Returns the position after it. `storage_full`: nothing is stored, and a later call may work. A
  /// failed sync ends the process: what is on the disk is unknown from then on, and asking again
  /// would lie.
  Result<std::uint64_t> append(std::string& record);

  /// Sees to it that a file is ready to be written next.
  Result<void> prepare();
  /// Everything before `covered` is stored elsewhere: files that hold nothing else are used again,
  /// but for those that somebody has linked to: they keep what they hold.
  Result<void> release(std::uint64_t covered);

  /// The files that hold what is not released, the oldest first, and how much of each.
  std::vector<LogPart> parts() const;
  std::uint64_t end() const { return end_; }  // the appending thread only
  std::uint64_t generation() const { return generation_; }
  /// How many files hold what is not released.
  std::size_t segments() const;
  bool wants_spare() const;

 private:
  struct Spare {
    std::uint64_t number;
    std::uint64_t size;
    std::unique_ptr<LogFile> file;
  };

  Log(Settings settings, const LogContents& recovered, std::uint64_t generation);
  std::string path(std::uint64_t number) const;
  Result<void> adopt(const LogContents& recovered);
  Result<void> make_spare(std::uint64_t size);
  Result<Spare> take_spare(std::size_t record);

  const Settings settings_;
  const std::uint64_t generation_;

  // Of the appending thread.
  std::unique_ptr<LogFile> current_;
  std::uint64_t current_size_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t end_ = 0;

  std::mutex maintenance_;         // one maker of files at a time; taken before mutex_
  std::uint64_t last_number_ = 0;  // of any file, guarded by maintenance_

  mutable std::mutex mutex_;  // guards what follows
  std::deque<LogContents::Used> used_;
  std::deque<Spare> spares_;
};

}  // namespace parley::conversation_log
