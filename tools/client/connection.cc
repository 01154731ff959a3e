#include "client/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/wire.h"

namespace parley::client {
namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr auto kGoodbye = std::chrono::seconds(2);  // for what is under way when stop() comes
constexpr auto kLasting = std::chrono::seconds(10);

bool is_about_token(const Failure& failure) {
  return failure.code == "token_expired" || failure.code == "unauthenticated" ||
         failure.code == "bad_token" || failure.code == "access_expired";
}

/// Time on the steady clock of an instant given in milliseconds since 1970.
Time steady_at(std::int64_t unix_ms) {
  return steady_clock::now() + milliseconds(unix_ms - wall_ms());
}

}  // namespace

/// One connection's life; the coroutines below share it.
struct Connection::Link {
  explicit Link(std::unique_ptr<Wire> by) : wire(std::move(by)) {}
  void end(End why) {
    if (!over) over = std::move(why);
  }
  std::shared_ptr<Wire> wire;
  std::optional<End> over;
};

Connection::Connection(asio::any_io_executor executor, Api& api, Session& session,
                       std::function<void(const LinkState&)> on_link)
    : api_(api),
      session_(session),
      on_link_(std::move(on_link)),
      wake_(executor),
      goodbye_(executor) {}

void Connection::stop() {
  stopped_ = true;
  wake();
  if (!link_) return;
  if (!session_.online()) return link_->wire->cut();
  goodbye_.expires_after(kGoodbye);
  goodbye_.async_wait([wire = std::weak_ptr(link_->wire)](const auto& ec) {
    if (const auto left = wire.lock(); left && !ec) left->cut();
  });
}

Awaitable<Outcome<void>> Connection::run() {
  int failures = 0;
  int token_failures = 0;
  while (!stopped_) {
    online_since_.reset();
    worked_ = false;
    auto end = co_await connect_once();
    link_ = nullptr;
    session_.closed();
    if (stopped_) break;
    // Welcome alone says little: what follows it may be lost every time.
    if (worked_ || (online_since_ && steady_clock::now() >= *online_since_ + kLasting))
      failures = token_failures = 0;
    if (is_about_token(end.failure) && ++token_failures <= 3) co_await renew_credentials(end);
    if (end.failure.field == "cursor") session_.forget_cursor(), end.come_back = true;
    if (!end.come_back) co_return std::unexpected(std::move(end.failure));
    auto wait = backoff(failures++, random_unit());
    wait = std::max(wait, milliseconds(end.failure.retry_after_ms));
    if (const auto drain = session_.take_come_back_after())
      wait = *drain + milliseconds(static_cast<int>(random_unit() * 500));
    on_link_({.online = false, .why = describe(end.failure), .retry = wait});
    wake_.expires_after(wait);
    while (!stopped_ && steady_clock::now() < wake_.expiry()) co_await wake_.async_wait(kUse);
  }
  goodbye_.cancel();
  co_return Outcome<void>{};
}

/// The token or ticket was refused: the next try has a better one, or there is none.
Awaitable<void> Connection::renew_credentials(End& end) {
  end.come_back = true;
  if (session_.used_ticket()) {
    session_.forget_ticket();
    co_return;
  }
  auto token = co_await api_.refresh(tried_token_);
  if (token) co_return;
  end.come_back = token.error().retryable;
  end.failure = std::move(token.error());
}

Awaitable<End> Connection::connect_once() {
  auto token = co_await api_.access_token();
  if (!token) co_return End{token.error(), token.error().retryable};
  tried_token_ = *token;

  const auto executor = wake_.get_executor();
  Link link(api_.server().plain_http ? event_stream(executor, api_)
                                     : web_socket(executor, api_.server()));
  link_ = &link;
  if (auto done = co_await link.wire->open(); !done) co_return std::move(done.error());
  if (stopped_) co_return End{};
  session_.opened(*token, steady_clock::now());
  using namespace asio::experimental::awaitable_operators;
  co_await (read_frames(link) && write_frames(link));
  co_return std::move(*link.over);
}

/// Tells the session, and what was asked of it ends the connection where hello was refused.
void Connection::received(Link& link, const std::vector<v1::ServerFrame>& frames) {
  for (const auto& frame : frames) session_.received(frame, steady_clock::now());
  if (session_.online() && !online_since_) {
    online_since_ = steady_clock::now();
    on_link_({.online = true, .why = {}});
  }
  if (const auto& refusal = session_.refusal()) link.end({*refusal, refusal->retryable});
}

Awaitable<void> Connection::read_frames(Link& link) {
  while (!link.over) {
    auto frames = co_await link.wire->read();
    if (frames)
      received(link, *frames);
    else
      link.end(std::move(frames.error()));
    wake();
  }
  link.wire->cut();
  wake();
}

Awaitable<void> Connection::write_frames(Link& link) {
  std::vector<v1::ClientFrame> frames;
  auto refresh_at = steady_at(api_.refresh_at_ms());
  auto speak_at = steady_clock::now() + link.wire->silence();
  while (!link.over) {
    const auto now = steady_clock::now();
    session_.tick(now);
    if (session_.stalled()) {
      link.end({unreachable("the server does not answer").error()});
      break;
    }
    if (session_.online() && now >= refresh_at) {
      auto token = co_await api_.refresh(tried_token_);
      if (token) session_.renew_token(tried_token_ = *token, steady_clock::now());
      // Not now, then: the next connection will tell whether it matters.
      refresh_at = token ? steady_at(api_.refresh_at_ms()) : now + std::chrono::seconds(10);
      refresh_at = std::max(refresh_at, now + std::chrono::seconds(1));
    }
    auto fresh = session_.take_frames();
    std::ranges::move(fresh, std::back_inserter(frames));
    if (frames.empty() && now >= speak_at) frames.emplace_back().mutable_ping();
    if (!frames.empty()) {
      const bool greeted = session_.online();
      auto answers = co_await link.wire->write(frames);
      speak_at = steady_clock::now() + link.wire->silence();
      if (answers) {
        worked_ = worked_ || greeted;
        received(link, *answers);
        continue;
      }
      link.end(std::move(answers.error()));
      break;
    }
    if (stopped_) {
      link.end({failed("stopped").error(), false});
      co_await link.wire->close();
      break;
    }
    wake_.expires_at(std::min({session_.next_tick(), refresh_at, speak_at}));
    co_await wake_.async_wait(kUse);
  }
  link.wire->cut();
}

}  // namespace parley::client
