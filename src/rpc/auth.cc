#include "rpc/auth.h"

#include <boost/asio.hpp>
#include <future>

#include "parley/rpc/v1/auth.pb.h"

namespace parley::rpc {
namespace asio = boost::asio;
namespace {

constexpr Method<v1::SignUpRequest, v1::TokenPair> kSignUp{"/parley.rpc.v1.Auth/SignUp"};
constexpr Method<v1::SignInRequest, v1::TokenPair> kSignIn{"/parley.rpc.v1.Auth/SignIn"};
constexpr Method<v1::RefreshRequest, v1::TokenPair> kRefresh{"/parley.rpc.v1.Auth/Refresh"};
constexpr Method<v1::SignOutRequest, v1::Nothing> kSignOut{"/parley.rpc.v1.Auth/SignOut"};
constexpr Method<v1::Nothing, v1::KeysAnswer> kKeys{"/parley.rpc.v1.Auth/Keys"};
constexpr Method<v1::RevokedRequest, v1::RevokedAnswer> kRevoked{"/parley.rpc.v1.Auth/Revoked"};

constexpr std::chrono::milliseconds kPatience{1'000}, kLate{3'000}, kPause{200};

TokenPair from_proto(v1::TokenPair& pair) {
  return {UserId(pair.user()),
          DeviceId(pair.device()),
          std::move(*pair.mutable_access()),
          TimeMs(pair.access_expires_ms()),
          std::move(*pair.mutable_refresh()),
          TimeMs(pair.refresh_expires_ms())};
}
v1::TokenPair to_proto(const TokenPair& pair) {
  v1::TokenPair out;
  out.set_user(pair.user.value);
  out.set_device(pair.device.value);
  out.set_access(pair.access);
  out.set_access_expires_ms(pair.access_expires.value);
  out.set_refresh(pair.refresh);
  out.set_refresh_expires_ms(pair.refresh_expires.value);
  return out;
}

}  // namespace

AuthClient::AuthClient(Loops& loops, std::size_t loop, Pool& pool, TokenJudge& judge,
                       std::function<void(UserId, DeviceId)> on_signed_out)
    : loops_(loops),
      loop_(loop),
      pool_(pool),
      judge_(judge),
      on_signed_out_(std::move(on_signed_out)),
      gate_(loops.at(loop).get_executor(), "rpc auth"),
      pause_(loops.at(loop)) {}

Awaitable<Result<std::string>> AuthClient::connect(std::function<bool()> give_up) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    auto keys = co_await pool_.ask(kKeys, v1::Nothing(), std::chrono::seconds(2));
    if (keys) {
      judge_.learn(keys->verifying_key());
      co_return std::move(*keys->mutable_ticket_key());
    }
    if (give_up()) co_return std::unexpected(keys.error());
    timer.expires_after(kPause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void AuthClient::start() {
  asio::post(loops_.at(loop_), [this] { gate_.spawn([this] { return listen(); }); });
}

void AuthClient::stop() {
  std::promise<void> ended;
  asio::post(loops_.at(loop_), [this, &ended] {
    stopping_ = true;
    pause_.cancel();
    gate_.close([&ended] { ended.set_value(); });
  });
  ended.get_future().wait();
}

Awaitable<void> AuthClient::listen() {
  std::uint64_t version = 0;
  // Whoever answers is asked again: it knows which version it gave. Who is cut off from the store
  // answers with an error: then the next is asked.
  std::shared_ptr<Channel> channel;
  while (!stopping_) {
    v1::RevokedRequest request;
    request.set_after(version);
    request.set_patience_ms(static_cast<std::uint32_t>(kPatience.count()));
    if (!channel) channel = pool_.next().value_or(nullptr);
    Result<v1::RevokedAnswer> news = std::unexpected(unavailable("none is there"));
    if (channel) news = co_await channel->call(kRevoked, std::move(request), kPatience + kLate);
    if (!news) {
      if (stopping_) break;
      channel.reset();
      pause_.expires_after(kPause);
      co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    version = news->version();
    std::vector<Revocation> fresh;
    for (const auto& row : news->devices())
      if (!judge_.is_revoked(DeviceId(row.device())))
        fresh.push_back({UserId(row.user()), DeviceId(row.device()), TimeMs(row.until_ms())});
    judge_.learn(fresh);
    for (const auto& row : fresh)
      if (row.user) on_signed_out_(row.user, row.device);
  }
}

Awaitable<Result<TokenPair>> AuthClient::sign_up(SignUp request) {
  v1::SignUpRequest out;
  out.set_name(std::move(request.name));
  out.set_password(std::move(request.password));
  out.set_display_name(std::move(request.display_name));
  out.set_device_name(std::move(request.device_name));
  out.set_invite(std::move(request.invite));
  out.set_remote_address(std::move(request.remote_address));
  PARLEY_CO_TRY(pair, co_await pool_.call(kSignUp, std::move(out)));
  co_return from_proto(pair);
}

Awaitable<Result<TokenPair>> AuthClient::sign_in(SignIn request) {
  v1::SignInRequest out;
  out.set_name(std::move(request.name));
  out.set_password(std::move(request.password));
  out.set_device_name(std::move(request.device_name));
  out.set_remote_address(std::move(request.remote_address));
  PARLEY_CO_TRY(pair, co_await pool_.call(kSignIn, std::move(out)));
  co_return from_proto(pair);
}

Awaitable<Result<TokenPair>> AuthClient::refresh(std::string refresh_token) {
  v1::RefreshRequest out;
  out.set_refresh_token(std::move(refresh_token));
  PARLEY_CO_TRY(pair, co_await pool_.call(kRefresh, std::move(out)));
  co_return from_proto(pair);
}

Awaitable<Result<void>> AuthClient::sign_out(UserId user, DeviceId device) {
  v1::SignOutRequest out;
  out.set_user(user.value);
  out.set_device(device.value);
  PARLEY_CO_TRY_VOID(co_await pool_.call(kSignOut, std::move(out)));
  co_return Result<void>{};
}

Awaitable<Result<void>> AuthClient::sign_out_all(UserId user) { return sign_out(user, DeviceId()); }

void serve(Router& router, AuthApi& auth, TokenSource& source, std::string ticket_key) {
  router.on_call(kSignUp, [&auth](v1::SignUpRequest request) -> Awaitable<Result<v1::TokenPair>> {
    PARLEY_CO_TRY(pair, co_await auth.sign_up({request.name(), request.password(),
                                               request.display_name(), request.device_name(),
                                               request.invite(), request.remote_address()}));
    co_return to_proto(pair);
  });
  router.on_call(kSignIn, [&auth](v1::SignInRequest request) -> Awaitable<Result<v1::TokenPair>> {
    PARLEY_CO_TRY(pair, co_await auth.sign_in({request.name(), request.password(),
                                               request.device_name(), request.remote_address()}));
    co_return to_proto(pair);
  });
  router.on_call(kRefresh, [&auth](v1::RefreshRequest request) -> Awaitable<Result<v1::TokenPair>> {
    PARLEY_CO_TRY(pair, co_await auth.refresh(request.refresh_token()));
    co_return to_proto(pair);
  });
  router.on_call(kSignOut, [&auth](v1::SignOutRequest request) -> Awaitable<Result<v1::Nothing>> {
    const UserId user(request.user());
    if (request.device() == 0)
      PARLEY_CO_TRY_VOID(co_await auth.sign_out_all(user));
    else
      PARLEY_CO_TRY_VOID(co_await auth.sign_out(user, DeviceId(request.device())));
    co_return v1::Nothing();
  });
  router.on_call(kKeys, [&source, ticket_key](v1::Nothing) -> Awaitable<Result<v1::KeysAnswer>> {
    v1::KeysAnswer answer;
    answer.set_verifying_key(source.verifying_key());
    answer.set_ticket_key(ticket_key);
    co_return answer;
  });
  router.on_call(kRevoked,
                 [&source](v1::RevokedRequest request) -> Awaitable<Result<v1::RevokedAnswer>> {
                   const std::chrono::milliseconds patience(
                       std::min<std::int64_t>(request.patience_ms(), kPatience.count()));
                   PARLEY_CO_TRY(news, co_await source.revoked(request.after(), patience));
                   v1::RevokedAnswer answer;
                   answer.set_version(news.version);
                   for (const auto& revocation : news.devices) {
                     auto& row = *answer.add_devices();
                     row.set_user(revocation.user.value);
                     row.set_device(revocation.device.value);
                     row.set_until_ms(revocation.until.value);
                   }
                   co_return answer;
                 });
}

}  // namespace parley::rpc
