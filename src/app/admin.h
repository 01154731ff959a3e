#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "base/metrics.h"
#include "net/edge.h"
#include "net/listener.h"

namespace parley::app {

/// `/livez`, `/readyz` and `/metrics`, for operators and load balancers, on an address of their
/// own. On loop 0.
class Admin final : public net::EdgeHandler {
 public:
  static Result<std::unique_ptr<Admin>> open(boost::asio::io_context& io, const std::string& host,
                                             std::uint16_t port, const Clock& clock,
                                             const Metrics& metrics);
  void set_ready(bool ready) { ready_ = ready; }
  /// What /readyz says.
  bool ready() const { return ready_ && others_.ready(); }
  /// Other processes that are not there, a line for each, and whether the process is ready without
  /// them. Before the loops start.
  struct Others {
    std::function<std::string()> missing = [] { return std::string(); };
    std::function<bool()> ready = [] { return true; };
  };
  void set_others(Others others) { others_ = std::move(others); }
  std::uint16_t port() const { return listener_->port(); }

  void on_open(net::ConnectionId id, unsigned, std::string_view) override;
  void on_message(net::ConnectionId, bool, std::string_view) override {}
  void on_drained(net::ConnectionId) override {}
  void on_close(net::ConnectionId, CloseCode) override {}
  void on_http(net::ConnectionId id, net::HttpRequest&& request) override;
  void on_turn_end() override {}

 private:
  Admin(boost::asio::io_context& io, const Clock& clock, const Metrics& metrics);

  const Metrics& metrics_;
  std::atomic<bool> ready_{false};
  Others others_;
  net::Edge edge_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace parley::app
