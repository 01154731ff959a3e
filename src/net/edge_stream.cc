#include "net/edge_impl.h"
#include "net/http_encode.h"

// A response without end: server-sent events (WHATWG HTML, section 9.2). It has the state, the
// queue and the deadlines of a WebSocket, so that whoever sends to it need not know.
namespace parley::net {
namespace {
const SharedBytes kComment{":\n\n"};
}

bool Edge::awaits_answer(ConnectionId id) const {
  auto* c = impl_->find(id);
  return c && c->state == Connection::State::answering && !impl_->shutting_;
}

bool Edge::stream(ConnectionId id) {
  if (!awaits_answer(id)) return false;
  impl_->stream(*impl_->find(id));
  return true;
}

void Edge::heard(ConnectionId id) {
  auto* c = impl_->find(id);
  if (c && c->streams && c->state == Connection::State::open) c->heard = impl_->tick_;
}

void Edge::Impl::stream(Connection& c) {
  c.state = State::open;
  c.streams = c.opened = c.hello_done = true;
  c.keep_alive = c.deaf = false;
  c.input.reset();  // what follows the request is for nobody
  c.since = c.heard = tick_;
  opened(c).add();
  enqueue(c, encode_stream_head(date()));
  watch(c);
  arm(c);
}

void Edge::Impl::expire_stream(Connection& c) {
  if (c.blocked && passed(c.output->progress_tick, ticks_.stalled)) return evict_slow_reader(c);
  if (passed(c.heard, ticks_.idle))
    return fail(c, CloseCode::idle, "nothing was heard for too long");
  if (passed(c.since, ticks_.ping)) {
    if (!c.blocked) enqueue(c, kComment);
    c.since = tick_;
  }
  arm(c);
}

}  // namespace parley::net
