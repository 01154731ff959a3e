#pragma once
#include <boost/asio.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "net/edge.h"
#include "net/listener.h"

namespace parley::net::testing {

/// An edge and its listener on a loop and thread of their own, and a handler that notes what it is
/// told. By default it echoes messages and answers requests with their method, target and body.
class Server final : public EdgeHandler {
 public:
  struct Closed {
    ConnectionId id;
    CloseCode code;
  };

  explicit Server(EdgeConfig config = {}, const Clock* clock = nullptr,
                  std::shared_ptr<Admission> admission = nullptr);
  ~Server() override;

  std::uint16_t port() const { return port_; }
  Edge& edge() { return *edge_; }
  boost::asio::io_context& io() { return io_; }

  /// Runs `work` on the loop and returns what it returns.
  template <class F>
  auto on_loop(F work) {
    std::packaged_task<std::invoke_result_t<F>()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(io_, [&task] { task(); });
    return result.get();
  }

  /// Waits, 30 s at most, until `condition` holds; it is looked at whenever something was told.
  bool eventually(std::function<bool()> condition);

  /// What was told so far.
  std::vector<ConnectionId> opened() { return told(opened_); }
  std::vector<unsigned> subprotocols() { return told(subprotocols_); }
  std::vector<std::string> messages() { return told(messages_); }
  std::vector<ConnectionId> drained() { return told(drained_); }
  std::vector<Closed> closed() { return told(closed_); }
  std::vector<std::pair<ConnectionId, HttpRequest>> requests() { return told(requests_); }
  std::size_t turns() { return told(turns_); }

  /// Called on the loop instead of the default behaviour; set before the first client comes.
  std::function<void(ConnectionId, bool binary, std::string_view)> message;
  std::function<void(ConnectionId)> open;
  std::function<void(ConnectionId, const HttpRequest&)> http;

 private:
  void on_open(ConnectionId id, unsigned subprotocol, std::string_view) override;
  void on_message(ConnectionId id, bool binary, std::string_view payload) override;
  void on_drained(ConnectionId id) override;
  void on_close(ConnectionId id, CloseCode code) override;
  void on_http(ConnectionId id, HttpRequest&& request) override;
  void on_turn_end() override;
  template <class F>
  void note(F change);
  template <class T>
  T told(const T& what) {
    std::lock_guard lock(mutex_);
    return what;
  }

  std::recursive_mutex mutex_;  // conditions of `eventually` ask for what was told
  std::condition_variable_any changed_;
  std::vector<ConnectionId> opened_;
  std::vector<unsigned> subprotocols_;
  std::vector<std::string> messages_;
  std::vector<ConnectionId> drained_;
  std::vector<Closed> closed_;
  std::vector<std::pair<ConnectionId, HttpRequest>> requests_;
  std::size_t turns_ = 0;

  boost::asio::io_context io_{1};
  SystemClock system_clock_;
  std::unique_ptr<Edge> edge_;
  std::unique_ptr<Listener> listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// Takes upgrades without a subprotocol.
inline EdgeConfig plain(EdgeConfig config = {}) {
  config.allow_no_subprotocol = true;
  return config;
}

}  // namespace parley::net::testing
