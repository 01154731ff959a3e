#pragma once
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace parley::test {

/// A door between a client and a server: it forwards bytes both ways until it is shut. Shut, it
/// keeps the connections open and passes nothing, as a network does that drops packets; what came
/// meanwhile passes when it opens again. Any thread.
class TcpGate {
 public:
  /// `to` is host:port. Throws std::runtime_error if it cannot listen.
  explicit TcpGate(std::string to);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;

  std::string address() const { return address_; }  // where the client connects to
  void shut() { set(true); }
  void open() { set(false); }
  /// Breaks every connection that there is; new ones may come.
  void break_all();

 private:
  struct Pair {
    int client;
    int server;
  };

  void run();
  void set(bool shut);
  void wake() const;
  void accept_one();

  const std::string to_;
  std::string address_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::atomic<bool> shut_ = false;
  std::atomic<bool> break_ = false;
  std::atomic<bool> stopping_ = false;
  std::vector<Pair> pairs_;  // the thread's
  std::thread thread_;
};

}  // namespace parley::test
