#pragma once
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "adapters/shared/mysql/settings.h"

namespace parley::test {

/// A MariaDB server of the test's own, on loopback, in a folder that goes with it. It answers when
/// the constructor and `start` return; both throw std::runtime_error, with the end of its log.
class MysqlServer {
 public:
  /// `options` are given to mariadbd besides its own.
  explicit MysqlServer(std::vector<std::string> options = {});
  ~MysqlServer();
  MysqlServer(const MysqlServer&) = delete;

  /// Ends it at once, as a crash would, and waits for its end.
  void kill();
  /// Starts it again on the same data and port.
  void start();
  void start(std::vector<std::string> other_options);
  /// SIGSTOP, SIGCONT.
  void signal(int number) const;

  /// The user `parley` with a password may do everything in a database of the given name.
  mysql::Settings settings(std::string database) const;

 private:
  std::vector<std::string> command(const char* program,
                                   std::initializer_list<std::string> more) const;
  bool answers() const;
  std::string log_end() const;

  std::vector<std::string> options_;
  std::filesystem::path folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

}  // namespace parley::test
