#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "app/backup.h"

namespace parley::app {

/// The socket `control` in the data folder, by which the user whom the server runs as (or root)
/// asks the running server for a backup of it; others are refused by the kernel's word for who they
/// are. A thread of its own, one request at a time.
class Control {
 public:
  using Backup =
      std::function<Result<void>(const std::filesystem::path& into, const BackupProgress&)>;

  static Result<std::unique_ptr<Control>> open(const std::filesystem::path& data, Backup backup);
  /// A backup that is under way ends, and is none.
  ~Control();
  Control(const Control&) = delete;

 private:
  Control(int listener, int wake, std::filesystem::path socket, Backup backup);
  void run();
  void answer(int client);

  const int listener_, wake_;
  const std::filesystem::path socket_;
  const Backup backup_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// Asks the server that runs on the data folder. False: none does.
Result<bool> ask_for_backup(const std::filesystem::path& data, const std::filesystem::path& into,
                            const BackupProgress& progress);

}  // namespace parley::app
