#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::conversation_log {

/// One open file of the log. One thread at a time.
class LogFile {
 public:
  virtual ~LogFile() = default;
  /// All of `bytes`, or an error. `storage_full` where there is no space.
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  /// Afterwards everything written so far survives a power cut (fdatasync).
  virtual Result<void> sync() = 0;
  /// Fills `into` as far as the file goes; how much that was.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) = 0;
  virtual Result<std::uint64_t> size() = 0;
  /// Whether more than one name leads to it.
  virtual Result<bool> linked() = 0;
};

/// What the log needs of a file system; paths are absolute. A test puts one in that forgets what
/// was not synced. Any thread. Errors name the path; no space is `storage_full`.
class LogFiles {
 public:
  virtual ~LogFiles() = default;
  virtual Result<std::unique_ptr<LogFile>> open(const std::string& path) = 0;
  /// A new file of `size` zeros that have their place on the disk and are synced, so that writing
  /// over them changes nothing but data. Its name is synced by `sync_directory`. On an error
  /// nothing is left.
  virtual Result<std::unique_ptr<LogFile>> create(const std::string& path, std::uint64_t size) = 0;
  /// A file that holds `size` bytes of the disk and no data. On an error nothing is left.
  virtual Result<void> reserve(const std::string& path, std::uint64_t size) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// One more name for a file, in any folder of the same file system.
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Names, in no order, without folders.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  /// With those above, their names synced. It may exist.
  virtual Result<void> make_directory(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path) = 0;
  /// Held until the object ends, or the process. `unavailable` where somebody else holds it.
  virtual Result<std::shared_ptr<void>> lock(const std::string& path) = 0;
};

/// The files of this machine.
std::shared_ptr<LogFiles> posix_log_files();

}  // namespace parley::conversation_log
