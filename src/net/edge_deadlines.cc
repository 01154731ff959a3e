#include <algorithm>
#include <boost/asio.hpp>
#include <utility>

#include "net/edge_impl.h"
#include "net/http_encode.h"

namespace parley::net {
namespace asio = boost::asio;
namespace {
const SharedBytes kPing = encode_frame(Opcode::ping, {});
}

void Edge::Impl::start_clock() {
  timer_.expires_after(config_.tick);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (cancelled || alive.expired()) return;
    tick();
    start_clock();
  });
}

void Edge::Impl::tick() {
  // A process that was stopped for a while must hear what came meanwhile before it calls anybody
  // silent.
  for (std::size_t heard = 0; turn() == events_.size() && heard < slots_.size();)
    heard += events_.size();

  in_turn_ = true;
  const auto last =
      std::exchange(tick_, static_cast<std::uint32_t>((clock_.mono() - started_) / config_.tick));
  if (tick_ - last > ticks_.ping)
    for (auto& c : slots_)
      if (c.streams) c.heard = tick_;  // whoever hears of their peers was stopped as well
  wheel_.advance(tick_, [this](std::uint32_t slot) { expire(slots_[slot]); });
  if (shutting_ && passed(shutdown_tick_, ticks_.close))
    for (auto& c : slots_)
      if (c.fd >= 0) drop(c, kAbnormal);
  end_turn();
}

/// Sets the time at which `expire` is to look again. Traffic does not move it: it is looked at
/// then.
void Edge::Impl::arm(Connection& c) {
  std::uint32_t due = tick_ + TimingWheel::kHorizon;
  const auto at = [&](std::uint32_t since, std::uint32_t ticks) {
    due = std::min(due, since + ticks);
  };
  switch (c.state) {
    case State::free:
    case State::ended:
      return;
    case State::http:
      at(c.since, c.fresh ? ticks_.handshake : ticks_.keepalive);
      break;
    case State::answering:
      break;
    case State::replying:
      if (c.blocked) at(c.output->progress_tick, ticks_.stalled);
      break;
    case State::open:
      if (c.streams) {
        at(c.since, ticks_.ping);
        at(c.heard, ticks_.idle);
        if (c.blocked) at(c.output->progress_tick, ticks_.stalled);
        break;
      }
      if (!c.hello_done) at(c.since, ticks_.hello);
      at(c.heard, c.pinged ? ticks_.idle : ticks_.ping);
      if (c.blocked) at(c.output->progress_tick, ticks_.stalled);
      break;
    case State::closing:
    case State::lingering:
      at(c.since, ticks_.close);
      break;
  }
  wheel_.set(slot_of(c), due > tick_ ? due - tick_ : 1);
}

void Edge::Impl::expire(Connection& c) {
  switch (c.state) {
    case State::free:
    case State::ended:
      return;
    case State::http:
      if (!passed(c.since, c.fresh ? ticks_.handshake : ticks_.keepalive)) break;
      if (!c.input) return drop(c, kAbnormal);
      return linger(c, encode_response(
                           http_error(408, Code::timed_out, "The request did not arrive in time."),
                           false, false, date()));
    case State::answering:
      break;
    case State::replying:
      if (c.blocked && passed(c.output->progress_tick, ticks_.stalled)) return drop(c, kAbnormal);
      break;
    case State::open:
      if (c.streams) return expire_stream(c);
      if (!c.hello_done && passed(c.since, ticks_.hello))
        return fail(c, CloseCode::hello_timeout, "no hello in time");
      if (c.blocked && passed(c.output->progress_tick, ticks_.stalled)) return evict_slow_reader(c);
      if (c.paused || c.blocked) {
        c.heard = tick_;  // nobody listens, or no ping would get through: silence says nothing
      } else if (c.pinged && passed(c.heard, ticks_.idle)) {
        return fail(c, CloseCode::idle, "nothing was heard for too long");
      } else if (!c.pinged && passed(c.heard, ticks_.ping)) {
        enqueue(c, kPing);
        c.pinged = true;
        // However late this ping is, the peer has the usual time to answer it.
        c.heard = tick_ - std::min(ticks_.ping, ticks_.idle);
      }
      break;
    case State::closing:
    case State::lingering:
      if (passed(c.since, ticks_.close)) return drop(c, kAbnormal);
      break;
  }
  arm(c);
}

}  // namespace parley::net
