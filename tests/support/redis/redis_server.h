#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

#include "tests/support/contract/temp_folder.h"

namespace parley::test {

/// A real Redis of one test alone, on a free loopback port, which it may kill, stop and wipe.
/// Ended with the object.
class RedisServer {
 public:
  enum class Keeps { nothing, everything };  // over a restart
  explicit RedisServer(Keeps keeps = Keeps::nothing, std::string password = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void kill_hard();  // SIGKILL and wait
  void start();      // again, on the same port; returns when it answers
  void signal(int number) const;

 private:
  const Keeps keeps_;
  const std::string password_;
  TempFolder folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace parley::test
