#include "net/testing/server.h"

#include "base/check.h"

namespace parley::net::testing {

Server::Server(EdgeConfig config, const Clock* clock, std::shared_ptr<Admission> admission) {
  edge_ = std::make_unique<Edge>(io_, std::move(config), *this, clock ? *clock : system_clock_,
                                 nullptr, std::move(admission));
  auto listener = Listener::open(io_, "127.0.0.1", 0, {edge_.get()});
  PARLEY_CHECK(listener.has_value(), listener.error().message);
  listener_ = std::move(*listener);
  port_ = listener_->port();
  thread_ = std::thread([this] { io_.run(); });
}

Server::~Server() {
  boost::asio::post(io_, [this] {
    listener_.reset();
    edge_.reset();
    io_.stop();
  });
  thread_.join();
}

bool Server::eventually(std::function<bool()> condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(30), std::move(condition));
}

template <class F>
void Server::note(F change) {
  {
    std::lock_guard lock(mutex_);
    change();
  }
  changed_.notify_all();
}

void Server::on_open(ConnectionId id, unsigned subprotocol, std::string_view) {
  note([&] {
    opened_.push_back(id);
    subprotocols_.push_back(subprotocol);
  });
  if (open)
    open(id);
  else
    edge_->hello_done(id);
}

void Server::on_message(ConnectionId id, bool binary, std::string_view payload) {
  note([&] { messages_.emplace_back(payload); });
  if (message) return message(id, binary, payload);
  edge_->send(id, encode_message(binary, payload));
}

void Server::on_drained(ConnectionId id) {
  note([&] { drained_.push_back(id); });
}
void Server::on_close(ConnectionId id, CloseCode code) {
  note([&] { closed_.push_back({id, code}); });
}
void Server::on_turn_end() {
  note([&] { ++turns_; });
}

void Server::on_http(ConnectionId id, HttpRequest&& request) {
  const auto copy = request;
  note([&] { requests_.emplace_back(id, std::move(request)); });
  if (http) return http(id, copy);
  edge_->respond(id, {.content_type = "text/plain",
                      .body = copy.method + " " + copy.target + " " + copy.body});
}

}  // namespace parley::net::testing
