#include "client/api.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace parley::client {
namespace asio = boost::asio;

namespace {

constexpr std::int64_t kRefreshAheadMs = 60'000;
constexpr std::int64_t kUsableMs = 30'000;

bool is_stale_token(const Failure& failure) {
  return failure.code == "token_expired" || failure.code == "unauthenticated";
}

}  // namespace

std::int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t Api::refresh_at_ms() const {
  return account_.state().tokens().access_expires_ms() - kRefreshAheadMs;
}

Awaitable<Outcome<std::string>> Api::access_token() {
  const auto& tokens = account_.state().tokens();
  if (tokens.access_expires_ms() > wall_ms() + kUsableMs) co_return tokens.access_token();
  co_return co_await refresh(tokens.access_token());
}

Awaitable<Outcome<std::string>> Api::refresh(std::string refused) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  auto lock = account_.try_lock_refresh();
  while (lock && !*lock) {
    pause.expires_after(std::chrono::milliseconds(50));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    lock = account_.try_lock_refresh();
  }
  if (!lock) co_return std::unexpected(lock.error());
  if (const auto read = account_.reload(); !read) co_return std::unexpected(read.error());
  if (account_.state().tokens().access_token() != refused)
    co_return account_.state().tokens().access_token();

  v1::RefreshRequest request;
  request.set_refresh_token(account_.state().tokens().refresh_token());
  v1::Tokens tokens;
  auto done = co_await http_call(
      server_, {.method = "POST", .target = "/v1/refresh", .body = &request}, &tokens);
  if (!done) {
    if (is_stale_token(done.error()))
      done.error().message = "you are signed out here: sign in again with `parley sign-in " +
                             account_.state().name() + "`";
    co_return std::unexpected(std::move(done.error()));
  }
  const auto stored =
      account_.update([&](AccountState& state) { *state.mutable_tokens() = tokens; });
  if (!stored) co_return std::unexpected(stored.error());
  co_return tokens.access_token();
}

Awaitable<Outcome<void>> Api::call_into(std::string method, std::string target,
                                        const google::protobuf::Message* body,
                                        google::protobuf::Message* answer) {
  auto token = co_await access_token();
  if (!token) co_return std::unexpected(std::move(token.error()));
  HttpCall call{.method = method, .target = target, .body = body, .access_token = *token};
  auto done = co_await http_call(server_, call, answer);
  if (done || !is_stale_token(done.error())) co_return done;
  token = co_await refresh(std::move(*token));
  if (!token) co_return std::unexpected(std::move(token.error()));
  call.access_token = *token;
  co_return co_await http_call(server_, std::move(call), answer);
}

}  // namespace parley::client
