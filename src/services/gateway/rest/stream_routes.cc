#include <boost/asio.hpp>

#include "services/gateway/rest/call.h"

// The fallback for networks that break WebSockets.
namespace parley::gateway::rest {
namespace {

Awaitable<Answer> open_stream(Call& call) {
  PARLEY_CO_TRY_VOID(call.context.streams.open(call.connection, call.who, call.hello));
  co_return done();  // for nobody: the stream is the answer
}

Awaitable<Answer> send_frames(Call& call) {
  PARLEY_CO_TRY(session, Call::number(call.parts[0], "session_id"));
  PARLEY_CO_TRY_VOID(
      co_await call.context.streams.take(Origin(session), call.who, std::move(call.request.body)));
  auto taken = done();
  taken.status = 202;
  co_return taken;
}

}  // namespace

std::vector<Route> stream_routes() {
  using enum Route::Access;
  return {
      {"POST", "/v1/stream", "openStream", by_hello, open_stream},
      {"POST", "/v1/stream/{session_id}/frames", "sendFrames", in_session, send_frames},
  };
}

}  // namespace parley::gateway::rest
