#include "services/gateway/connections.h"

#include "services/gateway/encoded.h"
#include "services/gateway/to_proto.h"
#include "wire/server_writer.h"

namespace parley::gateway {

Connections::Connections(Shared& shared, net::Edge& edge, std::size_t loop)
    : shared_(shared),
      edge_(&edge),
      loop_(loop),
      mask_(std::hash<GatewayId>()(
          GatewayId(shared.id.value * LocalPresence::kMaxLoops + loop + 1))) {}

// The edge keeps one word per connection for us: the session's slot, plus one.
SessionSlot Connections::slot_of(net::ConnectionId id) const {
  return static_cast<SessionSlot>(edge_->tag(id) - 1);
}

Session& Connections::open(net::ConnectionId id, wire::Subprotocol subprotocol) {
  const auto slot = table_.open(id, subprotocol);
  edge_->set_tag(id, slot + 1ULL);
  return table_[slot];
}

void Connections::close(net::ConnectionId id) {
  const auto slot = slot_of(id);
  if (auto& session = table_[slot]; session.user) {
    if (table_.leave(slot)) shared_.presence.went(loop_, session.user);
    if (!shared_.presence.one_loop()) shared_.presence.disconnect(session.device);
    shared_.metrics.sessions.add(-1);
  }
  if (table_[slot].streams) shared_.streams.remove(origin(id));
  table_.close(slot);
}

Session& Connections::open_stream(net::ConnectionId id) {
  auto& session = open(id, wire::Subprotocol::json);
  session.streams = true;
  shared_.streams.add(origin(id), loop_);
  return session;
}

bool Connections::has_room_for(const Session& session) {
  const auto max = shared_.settings.limits.connections_per_device;
  if (!shared_.presence.one_loop()) return shared_.presence.connect(session.device, max);
  std::size_t held = 0;
  table_.for_user(session.user, [&](Session& s) { held += s.device == session.device; });
  return held < max;
}

bool Connections::join(Session& session) {
  if (!has_room_for(session)) {
    session.user = {};  // never joined
    return false;
  }
  if (table_.join(slot_of(session.connection))) shared_.presence.came(loop_, session.user);
  shared_.metrics.sessions.add();
  session.state = Session::State::live;
  return true;
}

Session* Connections::find(net::ConnectionId id) {
  const auto tag = edge_ ? edge_->tag(id) : 0;
  if (tag == 0) return nullptr;
  auto& session = table_[slot_of(id)];
  const bool usable = session.connection == id && session.state != Session::State::free &&
                      session.state != Session::State::closing;
  return usable ? &session : nullptr;
}

void Connections::send_shared(Session& session, const SharedBytes& message) {
  if (edge_->send(session.connection, message) == net::Edge::Sent::full) session.full = true;
}

void Connections::send(Session& session, std::string_view payload) {
  send_shared(session, framed(session, payload));
}

void Connections::send(Session& session, const v1::ServerFrame& frame) {
  send(session, wire::encode(session.subprotocol, frame));
}

void Connections::send_error(Session& session, std::uint64_t re, const Error& error) {
  shared_.metrics.errors.add();
  v1::ServerFrame frame;
  frame.set_re(re);
  to_proto(error, *frame.mutable_error());
  send(session, frame);
}

void Connections::hang_up(Session& session, CloseCode code, std::string_view reason) {
  session.state = Session::State::closing;
  edge_->close(session.connection, code, reason);
}

void Connections::asked(Session& session) {
  ++session.unanswered;
  if (session.paused || session.unanswered < shared_.settings.limits.unanswered_requests) return;
  session.paused = true;
  edge_->pause(session.connection);
}

void Connections::answered(Session& session) {
  --session.unanswered;
  if (!session.paused || session.unanswered >= shared_.settings.limits.unanswered_requests / 2)
    return;
  session.paused = false;
  edge_->resume(session.connection);
}

}  // namespace parley::gateway
