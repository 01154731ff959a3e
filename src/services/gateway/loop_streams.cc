#include <boost/asio.hpp>

#include "services/gateway/gateway_loop.h"

// Sessions for networks that break WebSockets: events one way, POST the other. A stream is a
// session like any other; only what its client asks arrives by other connections.
namespace parley::gateway {
namespace asio = boost::asio;
namespace {
constexpr std::uint32_t kBusyMs = 100;

/// The same whether it never was, has ended, or is another device's.
std::unexpected<Error> no_stream() {
  return fail(Code::not_found,
              "this gateway has no such stream of this device: open another one, and send its "
              "frames to where it was opened");
}

}  // namespace

Result<void> GatewayLoop::open(net::ConnectionId id, const Principal& who,
                               const v1::ClientFrame& hello) {
  PARLEY_TRY(since, check_hello(hello.hello()));
  if (!edge_->awaits_answer(id)) return fail(Code::unavailable, "this connection ends");
  auto& session = connections_.open_stream(id);
  session.user = who.user;
  session.device = who.device;
  session.expires = who.expires;
  if (!connections_.join(session)) {
    connections_.close(id);
    edge_->set_tag(id, 0);
    return fail(Code::forbidden, "this device holds as many connections as it may");
  }
  edge_->stream(id);
  begin(session, hello.id(), who, since);
  on_turn_end();
  return {};
}

Awaitable<Result<void>> GatewayLoop::take(Origin stream, Principal who, std::string message) {
  const auto loop = shared_.streams.loop_of(stream);
  if (!loop) co_return no_stream();
  auto& there = *shared_.loop_parts[*loop];
  if (&there == this) co_return co_await take_here(stream, who, std::move(message));
  co_return co_await asio::co_spawn(shared_.loops.at(*loop),
                                    there.take_here(stream, who, std::move(message)),
                                    asio::use_awaitable);
}

Awaitable<Result<void>> GatewayLoop::take_here(Origin stream, Principal who, std::string message) {
  const auto id = connections_.connection(stream);
  auto* session = connections_.find(id);
  if (!session || !session->streams || session->user != who.user || session->device != who.device)
    co_return no_stream();
  edge_->heard(id);
  session->expires = std::max(session->expires, who.expires);
  if (session->paused)
    co_return fail_for(Code::busy, "too many requests are unanswered: nothing was taken", kBusyMs);
  if (message.size() > shared_.settings.limits.frame_bytes)
    co_return fail(Code::too_large, "a message has at most `frame_bytes` bytes");
  PARLEY_CO_TRY(items, reader_.read(wire::Subprotocol::json, message));
  for (const auto& item : items)
    if (session->state == Session::State::live) handle(*session, item);
  on_turn_end();
  co_return Result<void>{};
}

}  // namespace parley::gateway
