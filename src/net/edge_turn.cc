#include <boost/asio.hpp>
#include <cerrno>
#include <sys/socket.h>

#include "net/edge_impl.h"

namespace parley::net {
namespace asio = boost::asio;

void Edge::Impl::wait() {
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
                      if (cancelled || alive.expired()) return;
                      turn();
                      wait();
                    });
}

/// Everything that the sockets have to say now, at most one read for each. Returns how many spoke.
std::size_t Edge::Impl::turn() {
  in_turn_ = true;
  const int count =
      ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  for (int i = 0; i < count; ++i) {
    auto* c = find(ConnectionId(events_[i].data.u64));
    if (!c || c->state == State::ended) continue;
    const auto happened = events_[i].events;
    if (happened & EPOLLOUT) mark_dirty(*c);
    if (happened & EPOLLIN)
      read(*c);
    else if (happened & (EPOLLHUP | EPOLLERR))
      drop(*c, kAbnormal);
  }
  end_turn();
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

/// Sees to it that what was marked outside a turn gets one.
void Edge::Impl::schedule() {
  if (in_turn_ || posted_) return;
  posted_ = true;
  asio::post(io_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) run_posted();
  });
}

void Edge::Impl::run_posted() {
  posted_ = false;
  in_turn_ = true;
  // Only those that wait now: one that is paused and resumed by turns must not keep the loop.
  const auto count = continued_.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto* c = find(continued_[i]);
    if (!c) continue;
    c->continues = false;
    if (c->state == State::ended || c->paused) continue;
    consume(*c, buffer_.data(), buffer_.data());
    watch(*c);
  }
  continued_.erase(continued_.begin(), continued_.begin() + static_cast<std::ptrdiff_t>(count));
  end_turn();
}

void Edge::Impl::read(Connection& c) {
  if (c.state == State::answering || c.state == State::replying) {
    c.deaf = true;
    return watch(c);
  }
  if (c.heralded) return read_proxy(c);
  if (auto* tls = tls_of(c)) return read_tls(c, *tls);
  const auto size = receive(c.fd, buffer_.data(), buffer_.size());
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (size <= 0) return drop(c, kAbnormal);
  turn_received_ += static_cast<std::size_t>(size);
  if (!c.streams) c.heard = tick_;
  c.pinged = false;
  if (c.state != State::lingering) consume(c, buffer_.data(), buffer_.data() + size);
}

/// Uses up what is unread and `[at, end)`, as far as the connection may; keeps the rest.
void Edge::Impl::consume(Connection& c, char* at, char* end) {
  std::string joined;
  if (c.input && !c.input->unread.empty()) {
    joined = std::move(c.input->unread);
    c.input->unread.clear();
    joined.append(at, static_cast<std::size_t>(end - at));
    at = joined.data();
    end = at + joined.size();
  }
  bool more = true;
  while (more && at != end && !c.paused) {
    if (c.state == State::http)
      more = consume_http(c, at, end);
    else if (c.state == State::open || c.state == State::closing)
      consume_frames(c, at, end);
    else
      break;
  }
  const bool done = c.state == State::lingering || c.state == State::ended || c.farewell;
  if (done) {
    c.input.reset();
  } else if (at != end) {
    if (!c.input) c.input = std::make_unique<Input>();
    c.input->unread.assign(at, static_cast<std::size_t>(end - at));
  } else if (c.input && !c.input->http && !c.input->frames) {
    c.input.reset();
  }
}

void Edge::Impl::end_turn() {
  tell();
  handler_.on_turn_end();
  // Flushing may mark more of them.
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    auto* c = find(dirty_[i]);
    if (!c) continue;
    c->dirty = false;
    if (c->state != State::ended) flush(*c);
  }
  dirty_.clear();
  if (turn_messages_) metrics_.received_messages.add(static_cast<std::int64_t>(turn_messages_));
  if (turn_received_) metrics_.received_bytes.add(static_cast<std::int64_t>(turn_received_));
  if (turn_sent_) metrics_.sent_bytes.add(static_cast<std::int64_t>(turn_sent_));
  turn_messages_ = turn_received_ = turn_sent_ = 0;
  in_turn_ = false;
  if (!to_tell_.empty() || !continued_.empty()) schedule();
  if (shutting_ && used_ == 0 && shutdown_done_)
    asio::post(io_, std::exchange(shutdown_done_, nullptr));
}

/// The news that came up outside the handler's reach, and the end of slots.
void Edge::Impl::tell() {
  for (std::size_t i = 0; i < to_tell_.size(); ++i) {
    const auto [id, ended] = to_tell_[i];
    auto* c = find(id);
    if (!c) continue;
    if (!ended) {
      if (c->state == State::open) handler_.on_drained(id);
      continue;
    }
    if (c->opened) {
      opened(*c).add(-1);
      handler_.on_close(id, c->close_code);
    }
    release(*c);
  }
  to_tell_.clear();
}

void Edge::Impl::flush(Connection& c) {
  if (c.state == State::lingering) c.input.reset();  // not before: it may have been in use
  auto* tls = tls_of(c);
  if (c.output || (tls && tls->has_output())) {
    const auto before = turn_sent_;
    const auto state =
        tls ? tls->flush(c.fd, c.output.get(), turn_sent_) : c.output->flush(c.fd, turn_sent_);
    if (state == OutputQueue::State::failed) return drop(c, kAbnormal);
    const bool was_blocked = c.blocked;
    c.blocked = state == OutputQueue::State::blocked;
    if (c.blocked) {
      if (!c.output) c.output = std::make_unique<OutputQueue>();  // knows since when
      if (!was_blocked || turn_sent_ != before) c.output->progress_tick = tick_;
      if (!was_blocked) arm(c);
      return watch(c);
    }
    if (was_blocked) watch(c);
    if (tls && !tls->established()) return;  // what is queued waits for the handshake
    if (c.output && spare_outputs_.size() < kSpareOutputs) {
      c.output->clear();
      spare_outputs_.push_back(std::move(c.output));
    }
    c.output.reset();
  }
  flushed(c);
}

/// Everything that was queued is written.
void Edge::Impl::flushed(Connection& c) {
  if (c.full) {
    c.full = false;
    to_tell_.push_back({id_of(c), false});
  }
  if (c.state == State::replying) return next_request(c);
  if (c.state == State::closing && c.farewell) {
    finish_tls(c);
    return drop(c, c.close_code);
  }
  if (c.state == State::lingering && !c.shut) {
    c.shut = true;
    finish_tls(c);
    ::shutdown(c.fd, SHUT_WR);
  }
}

}  // namespace parley::net
