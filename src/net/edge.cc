#include "net/edge.h"

#include <boost/asio.hpp>
#include <cerrno>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "net/edge_impl.h"
#include "net/http_encode.h"

namespace parley::net {
namespace asio = boost::asio;
namespace {

std::uint32_t in_ticks(std::chrono::milliseconds time, std::chrono::milliseconds tick) {
  // Rounded up, and one more for the tick that is under way: never early.
  return static_cast<std::uint32_t>((time.count() + tick.count() - 1) / tick.count()) + 1;
}

}  // namespace

EdgeMetrics::EdgeMetrics(Metrics& in)
    : connections(in.gauge("parley_edge_connections", "TCP connections of clients")),
      websockets(in.gauge("parley_edge_websockets", "those of them that are WebSockets")),
      streams(in.gauge("parley_edge_streams", "those of them that are streams of events")),
      refused(in.counter("parley_edge_refused_total", "connections above a limit")),
      requests(in.counter("parley_edge_http_requests_total", "HTTP requests, without upgrades")),
      received_messages(in.counter("parley_edge_messages_received_total", "WebSocket messages")),
      received_bytes(in.counter("parley_edge_received_bytes_total", "bytes read from sockets")),
      sent_bytes(in.counter("parley_edge_sent_bytes_total", "bytes written to sockets")),
      slow_readers(in.counter("parley_edge_slow_readers_total", "closed with 4008")),
      tls_handshakes(in.counter("parley_edge_tls_handshakes_total", "TLS handshakes done")),
      tls_resumed(in.counter("parley_edge_tls_resumed_total", "those of them by a ticket")),
      tls_failed(in.counter("parley_edge_tls_failed_total", "connections that TLS refused")) {}

Edge::Impl::Impl(asio::io_context& io, EdgeConfig config, EdgeHandler& handler, const Clock& clock,
                 Metrics* metrics, std::shared_ptr<Admission> admission)
    : io_(io),
      config_(std::move(config)),
      handler_(handler),
      clock_(clock),
      own_metrics_(metrics ? nullptr : std::make_unique<Metrics>()),
      metrics_(metrics ? *metrics : *own_metrics_),
      admission_(admission ? std::move(admission)
                           : std::make_shared<Admission>(config_.max_connections,
                                                         config_.max_per_address)),
      epoll_(io, ::epoll_create1(EPOLL_CLOEXEC)),
      timer_(io),
      started_(clock.mono()),
      ticks_{in_ticks(config_.handshake_timeout, config_.tick),
             in_ticks(config_.hello_timeout, config_.tick),
             in_ticks(config_.ping_after, config_.tick),
             in_ticks(config_.idle_close, config_.tick),
             in_ticks(config_.stalled_close, config_.tick),
             in_ticks(config_.http_keepalive, config_.tick),
             in_ticks(config_.close_timeout, config_.tick)},
      buffer_(kBufferSize) {
  slots_.reserve(config_.max_connections + kRefusedAtOnce);
  wheel_.reserve(config_.max_connections + kRefusedAtOnce);
  if (!config_.proxies.empty() || !config_.forwarders.empty()) clients_.resize(slots_.capacity());
  if (config_.tls) {
    tls_sessions_.reserve(slots_.capacity());
    tls_scratch_ = std::make_unique<TlsScratch>();
    tls_input_.resize(TlsSession::kMaxInput);
  }
  wait();
  start_clock();
}

Edge::Impl::~Impl() {
  for (auto& c : slots_) {
    if (c.fd < 0) continue;
    ::close(c.fd);
    if (!c.refused) admission_->leave(c.ticket);
    metrics_.connections.add(-1);
    if (c.opened) opened(c).add(-1);
  }
}

Connection* Edge::Impl::allocate() {
  if (free_ != kNone) {
    auto& c = slots_[free_];
    free_ = c.heard;
    return &c;
  }
  if (slots_.size() == slots_.capacity()) return nullptr;
  return &slots_.emplace_back();
}

void Edge::Impl::take(UniqueFd socket) {
  if (shutting_) return;
  auto address =
      admission_->counts_addresses() || !clients_.empty() ? peer_address(socket.get()) : Address{};
  const bool heralded = config_.proxies.contain(address);
  const bool forwards = !heralded && config_.forwarders.contain(address);
  if (heralded || forwards) address = {};  // that of its client comes
  const auto entry = admission_->enter(address);
  const bool refused = entry.verdict != Admission::Verdict::admitted;
  if (refused) metrics_.refused.add();
  auto* c = refused && refused_ == kRefusedAtOnce ? nullptr : allocate();
  if (!c) {
    if (!refused) admission_->leave(entry.ticket);
    return;
  }
  const auto reuse = c->reuse;
  *c = {};
  c->reuse = reuse;
  c->state = State::http;
  c->fd = socket.release();
  c->ticket = entry.ticket;
  c->refused = refused;
  c->heralded = heralded;
  c->forwards = forwards;
  if (!clients_.empty()) clients_[slot_of(*c)] = {};
  c->since = c->heard = tick_;
  ++used_;
  refused_ += refused;
  metrics_.connections.add();
  if (config_.tls) start_tls(*c);
  epoll_event event{EPOLLIN, {.u64 = id_of(*c).value}};
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, c->fd, &event) != 0) {
    log::warn("edge", "cannot watch a connection, so it is closed: {}",
              boost::system::error_code(errno, boost::system::system_category()).message());
    return drop(*c, kAbnormal);
  }
  if (refused && !heralded) return refuse(*c, entry.verdict);
  arm(*c);
}

Connection* Edge::Impl::find(ConnectionId id) {
  const auto slot = static_cast<std::uint32_t>(id.value);
  if (slot >= slots_.size()) return nullptr;
  auto& c = slots_[slot];
  return c.reuse == id.value >> 32 && c.state != State::free ? &c : nullptr;
}

std::uint32_t Edge::Impl::slot_of(const Connection& c) const {
  return static_cast<std::uint32_t>(&c - slots_.data());
}

ConnectionId Edge::Impl::id_of(const Connection& c) const {
  return ConnectionId(std::uint64_t{c.reuse} << 32 | slot_of(c));
}

/// Ends the socket at once. The slot is given back when the owner has been told.
void Edge::Impl::drop(Connection& c, CloseCode code) {
  if (c.state == State::ended) return;
  ::close(c.fd);
  c.fd = -1;
  c.input.reset();
  if (c.output && spare_outputs_.size() < kSpareOutputs) {
    c.output->clear();
    spare_outputs_.push_back(std::move(c.output));
  }
  c.output.reset();
  if (config_.tls) tls_sessions_[slot_of(c)].reset();
  wheel_.clear(slot_of(c));
  if (c.refused)
    --refused_;
  else
    admission_->leave(c.ticket);
  metrics_.connections.add(-1);
  c.state = State::ended;
  if (c.close_code == CloseCode{0}) c.close_code = code;
  to_tell_.push_back({id_of(c), true});
  schedule();
}

void Edge::Impl::release(Connection& c) {
  if (++c.reuse == 0) c.reuse = 1;
  c.state = State::free;
  c.heard = free_;
  free_ = slot_of(c);
  --used_;
}

void Edge::Impl::enqueue(Connection& c, SharedBytes block) {
  if (!c.output) {
    if (spare_outputs_.empty()) {
      c.output = std::make_unique<OutputQueue>();
    } else {
      c.output = std::move(spare_outputs_.back());
      spare_outputs_.pop_back();
    }
  }
  c.output->push(std::move(block));
  mark_dirty(c);
}

Edge::Sent Edge::Impl::send(ConnectionId id, SharedBytes frame) {
  auto* c = find(id);
  if (!c || c->state != State::open) return Sent::gone;
  const auto queued = c->output ? c->output->bytes() : 0;
  if (queued + frame.size() > config_.output_limit) {
    evict_slow_reader(*c);
    return Sent::gone;
  }
  enqueue(*c, std::move(frame));
  if (c->output->bytes() < config_.output_high_water) return Sent::ok;
  c->full = true;
  return Sent::full;
}

void Edge::Impl::start_close(Connection& c, CloseCode code, std::string_view reason) {
  if (c.streams) return fail(c, code, reason);
  c.close_code = code;
  c.state = State::closing;
  c.since = tick_;
  c.paused = false;  // the peer's close frame is to be read
  enqueue(c, encode_close(code, reason));
  if (c.input && !c.input->unread.empty())
    continue_later(c);
  else
    watch(c);
  arm(c);
}

void Edge::Impl::linger(Connection& c, SharedBytes last_words) {
  c.state = State::lingering;
  c.since = tick_;
  c.paused = c.deaf = false;
  enqueue(c, std::move(last_words));
  watch(c);
  arm(c);
}

/// Closes a WebSocket whose peer cannot be expected to answer properly, or a stream.
void Edge::Impl::fail(Connection& c, CloseCode code, std::string_view reason) {
  if (c.close_code == CloseCode{0}) c.close_code = code;
  linger(c, c.streams ? encode_last_event(code, reason) : encode_close(code, reason));
}

void Edge::Impl::evict_slow_reader(Connection& c) {
  metrics_.slow_readers.add();
  if (c.output) c.output->keep_only_started();
  fail(c, CloseCode::slow_reader, "what was sent is not being read");
}

void Edge::Impl::mark_dirty(Connection& c) {
  if (c.dirty) return;
  c.dirty = true;
  dirty_.push_back(id_of(c));
  schedule();
}

void Edge::Impl::continue_later(Connection& c) {
  if (c.continues) return;
  c.continues = true;
  continued_.push_back(id_of(c));
  schedule();
}

/// Tells the epoll set what is wanted of the socket now.
void Edge::Impl::watch(Connection& c) {
  const bool in = !c.paused && !c.deaf && !c.continues;
  if (c.fd < 0 || (in == c.watches_in && c.blocked == c.watches_out)) return;
  c.watches_in = in;
  c.watches_out = c.blocked;
  epoll_event event{(in ? EPOLLIN : 0U) | (c.blocked ? EPOLLOUT : 0U), {.u64 = id_of(c).value}};
  PARLEY_CHECK(::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, c.fd, &event) == 0,
               "a connection is not in the epoll set");
}

Edge::Edge(asio::io_context& io, EdgeConfig config, EdgeHandler& handler, const Clock& clock,
           Metrics* metrics, std::shared_ptr<Admission> admission)
    : impl_(std::make_unique<Impl>(io, std::move(config), handler, clock, metrics,
                                   std::move(admission))) {}
Edge::~Edge() = default;

void Edge::adopt(std::vector<UniqueFd> sockets) {
  asio::dispatch(impl_->io_, [impl = impl_.get(), alive = std::weak_ptr(impl_->alive_),
                              sockets = std::move(sockets)]() mutable {
    if (alive.expired()) return;
    for (auto& socket : sockets) impl->take(std::move(socket));
  });
}

Edge::Sent Edge::send(ConnectionId id, SharedBytes frame) {
  return impl_->send(id, std::move(frame));
}

void Edge::respond(ConnectionId id, HttpResponse response) {
  auto* c = impl_->find(id);
  if (c && c->state == Connection::State::answering) impl_->reply(*c, response);
}

void Edge::pause(ConnectionId id) {
  auto* c = impl_->find(id);
  if (!c || c->state != Connection::State::open || c->streams) return;
  c->paused = true;
  impl_->watch(*c);
}

void Edge::resume(ConnectionId id) {
  auto* c = impl_->find(id);
  if (!c || c->state != Connection::State::open || !c->paused) return;
  c->paused = false;
  c->heard = impl_->tick_;
  if (c->input && !c->input->unread.empty())
    impl_->continue_later(*c);
  else
    impl_->watch(*c);
}

void Edge::close(ConnectionId id, CloseCode code, std::string_view reason) {
  auto* c = impl_->find(id);
  if (c && c->state == Connection::State::open) impl_->start_close(*c, code, reason);
}

void Edge::set_tag(ConnectionId id, std::uint64_t tag) {
  if (auto* c = impl_->find(id)) c->tag = tag;
}
std::uint64_t Edge::tag(ConnectionId id) const {
  auto* c = impl_->find(id);
  return c ? c->tag : 0;
}

void Edge::hello_done(ConnectionId id) {
  if (auto* c = impl_->find(id)) c->hello_done = true;
}

void Edge::shutdown(CloseCode code, std::string_view reason, std::function<void()> done) {
  auto& impl = *impl_;
  impl.shutting_ = true;
  impl.shutdown_tick_ = impl.tick_;
  impl.shutdown_done_ = std::move(done);
  for (auto& c : impl.slots_) {
    if (c.state == Connection::State::open)
      impl.start_close(c, code, reason);
    else if (c.state == Connection::State::http && !c.input)
      impl.drop(c, kAbnormal);
  }
  impl.schedule();
}

std::size_t Edge::connections() const { return impl_->used_; }
const EdgeConfig& Edge::config() const { return impl_->config_; }

}  // namespace parley::net
