#include <cerrno>
#include <sys/socket.h>

#include "net/edge_impl.h"

namespace parley::net {

void Edge::Impl::start_tls(Connection& c) {
  if (tls_sessions_.size() < slots_.size()) tls_sessions_.resize(slots_.size());
  tls_sessions_[slot_of(c)] = std::make_unique<TlsSession>(*config_.tls, *tls_scratch_);
}

/// `read`, where what the socket has is to be decrypted. The handshake is part of it: until it is
/// done there is no text, and the deadline is that of the first request.
void Edge::Impl::read_tls(Connection& c, TlsSession& tls) {
  const auto size = ::recv(c.fd, tls_input_.data(), tls_input_.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (size <= 0) return drop(c, kAbnormal);
  turn_received_ += static_cast<std::size_t>(size);
  if (!c.streams) c.heard = tick_;
  c.pinged = false;
  const bool was_established = tls.established();
  std::size_t text = 0;
  const auto received =
      tls.receive({tls_input_.data(), static_cast<std::size_t>(size)}, buffer_.data(), text);
  if (received == TlsSession::Received::failed) {
    if (!was_established) metrics_.tls_failed.add();
    tls.flush(c.fd, nullptr, turn_sent_);  // the alert, as far as the socket takes it
    return drop(c, kAbnormal);
  }
  if (!was_established && tls.established()) {
    metrics_.tls_handshakes.add();
    if (tls.resumed()) metrics_.tls_resumed.add();
    if (c.output) mark_dirty(c);
  }
  if (tls.has_output()) mark_dirty(c);
  if (text > 0 && c.state != State::lingering) consume(c, buffer_.data(), buffer_.data() + text);
  // Whoever says that no more comes, and is still owed something, gets that first.
  const bool owed = c.state == State::answering || c.state == State::replying ||
                    c.state == State::lingering || c.farewell;
  if (received == TlsSession::Received::ended && !owed) drop(c, kAbnormal);
}

/// Says that no more will come. It is the last that is written, so what the socket does not take
/// of it is forgotten.
void Edge::Impl::finish_tls(Connection& c) {
  auto* tls = tls_of(c);
  if (!tls) return;
  tls->finish();
  tls->flush(c.fd, nullptr, turn_sent_);
}

}  // namespace parley::net
