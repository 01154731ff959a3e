#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace parley::testing {

/// A folder that goes with the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What a program that has ended left behind.
struct Ended {
  int exit_code = -1;  // of a signal: 128 + its number
  std::string output;  // both streams
};
/// Runs a program to its end (30 s at most).
Ended run_program(const std::vector<std::string>& command,
                  const std::map<std::string, std::string>& environment = {});

/// One parleyd on a free loopback port. Ended with the object; only this process is ever signalled.
class ServerProcess {
 public:
  /// `arguments` come after --data and --listen. Fails the running test if it does not come up
  /// within 30 s.
  explicit ServerProcess(std::filesystem::path data, std::vector<std::string> arguments = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for the end (30 s at most).
  int wait();
  void kill_hard();  // SIGKILL and wait
  /// Comes back on the same data and port.
  void start();
  std::string log() const;  // standard error so far

 private:
  std::filesystem::path data_, log_;
  std::vector<std::string> arguments_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0, admin_port_ = 0;
};

/// The parleyd under test: given by the build as PARLEYD.
std::string parleyd_path();

}  // namespace parley::testing
