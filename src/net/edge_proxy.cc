#include <cerrno>
#include <sys/socket.h>

#include "base/log.h"
#include "net/edge_impl.h"

namespace parley::net {
namespace {

/// What was only looked at stays in the socket, and must not wake the loop again by itself.
void wake_at(int fd, int bytes) { ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); }

}  // namespace

Edge::Impl::Address Edge::Impl::address_of(const Connection& c) const {
  if (!clients_.empty() && clients_[slot_of(c)] != Address{}) return clients_[slot_of(c)];
  return peer_address(c.fd);
}

/// Takes the header from the socket when it is whole, and nothing else. The deadline is that of the
/// first request.
void Edge::Impl::read_proxy(Connection& c) {
  const auto size = ::recv(c.fd, buffer_.data(), ProxyHeader::kMaxSize, MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (size <= 0) return drop(c, kAbnormal);
  const auto header = read_proxy_header({buffer_.data(), static_cast<std::size_t>(size)});
  if (header.state == ProxyHeader::State::need_more)
    return wake_at(c.fd, static_cast<int>(size) + 1);
  if (header.state == ProxyHeader::State::wrong) {
    log::warn("edge",
              "dropped a connection from {}: it is one of server.proxies and sends no PROXY header",
              to_text(peer_address(c.fd)));
    return drop(c, kAbnormal);
  }
  if (::recv(c.fd, buffer_.data(), header.size, 0) != static_cast<ssize_t>(header.size))
    return drop(c, kAbnormal);
  wake_at(c.fd, 1);
  c.heralded = false;
  if (header.client) clients_[slot_of(c)] = *header.client;
  if (c.refused) return refuse(c, Admission::Verdict::full);
  if (header.client) count_for(c, *header.client);
}

/// Anew for each request: a forwarder may send those of several clients by one connection. Without
/// an address that can be read it speaks for itself, as a check of health does.
bool Edge::Impl::read_forwarded(Connection& c, const HttpReader::Message& request) {
  // The last one is the forwarder's own word; what comes before it anybody may have written.
  std::string_view last;
  for (auto [at, end] = request.equal_range("X-Forwarded-For"); at != end; ++at)
    last = {at->value().data(), at->value().size()};
  if (const auto comma = last.rfind(','); comma != last.npos) last.remove_prefix(comma + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  while (last.ends_with(' ')) last.remove_suffix(1);
  const auto client = read_address(std::string(last));
  auto& known = clients_[slot_of(c)];
  const auto before = std::exchange(known, client.value_or(Address{}));
  return before == known || count_for(c, known);
}

/// The limit of an address is that of the client for whom a balancer speaks.
bool Edge::Impl::count_for(Connection& c, const Address& client) {
  if (!admission_->counts_addresses()) return true;
  admission_->leave(c.ticket);
  const auto entry = admission_->enter(client);
  c.ticket = entry.ticket;
  if (entry.verdict == Admission::Verdict::admitted) return true;
  c.refused = true;
  ++refused_;
  metrics_.refused.add();
  refuse(c, entry.verdict);
  return false;
}

}  // namespace parley::net
