#include "app/admin.h"

namespace parley::app {
namespace {
net::EdgeConfig edge_config() {
  net::EdgeConfig config;
  config.max_connections = 64;
  config.max_http_body = 1024;
  config.websocket_path = "/no-websocket-here";
  config.subprotocols = {"none"};
  return config;
}
}  // namespace

Admin::Admin(boost::asio::io_context& io, const Clock& clock, const Metrics& metrics)
    : metrics_(metrics), edge_(io, edge_config(), *this, clock, nullptr) {}

Result<std::unique_ptr<Admin>> Admin::open(boost::asio::io_context& io, const std::string& host,
                                           std::uint16_t port, const Clock& clock,
                                           const Metrics& metrics) {
  std::unique_ptr<Admin> admin(new Admin(io, clock, metrics));
  PARLEY_TRY(listener, net::Listener::open(io, host, port, {&admin->edge_}));
  admin->listener_ = std::move(listener);
  return admin;
}

void Admin::on_open(net::ConnectionId id, unsigned, std::string_view) {
  edge_.close(id, CloseCode::policy, "no WebSocket here");
}

void Admin::on_http(net::ConnectionId id, net::HttpRequest&& request) {
  if (request.method != "GET" && request.method != "HEAD")
    return edge_.respond(id, net::http_error(405, Code::unsupported, "use GET"));
  if (request.target == "/livez") return edge_.respond(id, {200, "text/plain", "alive\n", {}});
  if (request.target == "/readyz") {
    const bool there = ready();
    return edge_.respond(id, {there ? 200u : 503u,
                              "text/plain",
                              (there ? "ready\n" : "not ready\n") + others_.missing(),
                              {}});
  }
  if (request.target == "/metrics")
    return edge_.respond(id, {200, "text/plain; version=0.0.4", metrics_.text(), {}});
  edge_.respond(id,
                net::http_error(404, Code::not_found, "there are /livez, /readyz and /metrics"));
}

}  // namespace parley::app
