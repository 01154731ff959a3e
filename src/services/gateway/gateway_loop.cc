#include "services/gateway/gateway_loop.h"

#include <boost/asio.hpp>

namespace parley::gateway {
namespace {

constexpr std::size_t kSweeps = 8;  // a session is looked at once in so many sweeps
// Two sweeps that lie so far apart: this process was stopped, and was handed nothing meanwhile.
constexpr std::chrono::milliseconds kStopped{3'000};

net::EdgeConfig edge_config(const Settings& settings) {
  auto config = settings.edge;
  config.max_message = settings.limits.frame_bytes;
  config.websocket_path = "/v1/ws";
  config.subprotocols.assign(wire::kSubprotocols.begin(), wire::kSubprotocols.end());
  config.allow_no_subprotocol = false;
  return config;
}

}  // namespace

GatewayLoop::GatewayLoop(Shared& shared, std::size_t index, Metrics& metrics,
                         std::shared_ptr<net::Admission> admission)
    : shared_(shared),
      io_(shared.loops.at(index)),
      gate_(io_.get_executor(), "gateway"),
      edge_(std::make_unique<net::Edge>(io_, edge_config(shared.settings), *this, shared.clock,
                                        &metrics, std::move(admission))),
      connections_(shared, *edge_, index),
      inflight_(shared, connections_),
      reads_(shared, connections_, io_, gate_),
      typing_(shared, connections_, io_, gate_),
      watch_(shared, connections_, io_, gate_, index),
      router_(shared, inflight_, *this, io_),
      reader_(shared.settings.limits.batch_frames, shared.settings.limits.frame_bytes),
      sends_limit_(shared.settings.limits.sends_per_second),
      requests_limit_(shared.settings.limits.requests_per_second),
      sweeper_(io_),
      swept_(shared.clock.mono()) {}

void GatewayLoop::on_open(net::ConnectionId id, unsigned subprotocol, std::string_view) {
  auto& session = connections_.open(id, static_cast<wire::Subprotocol>(subprotocol));
  if (shared_.draining) connections_.hang_up(session, CloseCode::draining, "this server stops");
}

void GatewayLoop::on_message(net::ConnectionId id, bool binary, std::string_view payload) {
  auto* session = connections_.find(id);
  if (!session) return;
  if (binary != (session->subprotocol == wire::Subprotocol::pb))
    return connections_.hang_up(*session, CloseCode::wrong_data_type,
                                binary ? "text is wanted" : "binary is wanted");
  const auto items = reader_.read(session->subprotocol, payload);
  if (!items) {
    connections_.send_error(*session, 0, items.error());
    if (items.error().code == Code::malformed)
      connections_.hang_up(*session, CloseCode::bad_frame, items.error().message);
    return;
  }
  for (const auto& item : *items) {
    if (session->state == Session::State::live)
      handle(*session, item);
    else if (session->state == Session::State::greeting)
      greet(*session, item);
  }
}

void GatewayLoop::on_drained(net::ConnectionId id) {
  auto* session = connections_.find(id);
  if (!session) return;
  session->full = false;
  watch_.on_drained(*session);
  reads_.on_drained(*session);
}

void GatewayLoop::on_close(net::ConnectionId id, CloseCode) {
  connections_.close(id);
  reads_.on_close(id);
  watch_.on_close(id);
}

void GatewayLoop::on_http(net::ConnectionId id, net::HttpRequest&& request) {
  shared_.metrics.rest.add();
  auto kept = std::make_shared<net::HttpRequest>(std::move(request));
  gate_.spawn([this, id, kept]() -> Awaitable<void> {
    edge_->respond(id, co_await router_.answer(id, std::move(*kept)));
  });
}

void GatewayLoop::on_turn_end() {
  shared_.presence.flush();
  watch_.flush();
  inflight_.flush();
}

void GatewayLoop::sweep() {
  const auto now = shared_.clock.wall();
  const auto mono = shared_.clock.mono();
  const auto since_last = mono - std::exchange(swept_, mono);
  if (since_last > shared_.settings.sweep_every + kStopped)
    read_again(TimeMs(now.value - kResumeOverlapMs -
                      std::chrono::duration_cast<std::chrono::milliseconds>(since_last).count()));
  auto& table = connections_.table();
  const auto slots = static_cast<SessionSlot>(table.slots());
  const auto end = std::min<SessionSlot>(slots, sweep_at_ + slots / kSweeps + 1);
  for (; sweep_at_ < end; ++sweep_at_) {
    auto& session = table[sweep_at_];
    if (session.state == Session::State::live && session.expires <= now)
      connections_.hang_up(session, CloseCode::access_expired, "the access token has expired");
    else if (session.state == Session::State::live && session.missed_since && !session.full)
      reads_.on_drained(session);
  }
  if (sweep_at_ >= slots) {
    sweep_at_ = 0;
    router_.forget_idle();
  }
  sweeper_.expires_after(shared_.settings.sweep_every);
  sweeper_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && !stopped_) sweep();
  });
}

/// The sweep reads for them, a part each time.
void GatewayLoop::read_again(TimeMs since) {
  auto& table = connections_.table();
  for (SessionSlot slot = 0; slot < table.slots(); ++slot) {
    auto& session = table[slot];
    if (session.state == Session::State::live &&
        (!session.missed_since || since < session.missed_since))
      session.missed_since = since;
  }
}

void GatewayLoop::announce_stop() {
  auto& table = connections_.table();
  const auto spread = static_cast<std::uint64_t>(shared_.settings.reconnect_spread.count()) + 1;
  for (SessionSlot slot = 0; slot < table.slots(); ++slot) {
    auto& session = table[slot];
    if (session.state == Session::State::greeting)
      connections_.hang_up(session, CloseCode::draining, "this server stops");
    if (session.state != Session::State::live) continue;
    v1::ServerFrame frame;
    const auto spot = std::hash<net::ConnectionId>()(session.connection) % spread;
    frame.mutable_reconnect()->set_after_ms(static_cast<std::uint32_t>(spot));
    connections_.send(session, frame);
  }
}

void GatewayLoop::stop(std::function<void()> done) {
  stopped_ = true;
  sweeper_.cancel();
  edge_->shutdown(CloseCode::draining, "this server stops", [this, done = std::move(done)] {
    gate_.close([this, done] {
      connections_.detach();
      edge_.reset();  // it would keep the loop from ending
      shared_.presence.flush();
      watch_.flush();
      done();
    });
  });
}

}  // namespace parley::gateway
