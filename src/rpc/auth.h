#pragma once
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "api/auth.h"
#include "base/gate.h"
#include "base/loops.h"
#include "rpc/pool.h"
#include "rpc/router.h"

namespace parley::rpc {

/// AuthApi of other processes: as calls, but for `check` and `is_revoked`, which a judge in this
/// process answers by what it is told of keys and signed-out devices: news comes within a second
/// while the service can be reached, and is caught up with after a break.
class AuthClient final : public AuthApi {
 public:
  /// `on_signed_out` runs on loop `loop` for each device that is newly signed out.
  AuthClient(Loops& loops, std::size_t loop, Pool& pool, TokenJudge& judge,
             std::function<void(UserId, DeviceId)> on_signed_out);

  /// Waits until the service was reached, with one look every 200 ms; then the judge knows the
  /// key. Answers the key of the gateways' tickets. `unavailable`: `give_up` said so.
  Awaitable<Result<std::string>> connect(std::function<bool()> give_up);
  /// Begins to listen for signed-out devices. Any thread.
  void start();
  /// The pool has stopped. Blocks until nothing runs any more; the loops still run.
  void stop();

  Awaitable<Result<TokenPair>> sign_up(SignUp request) override;
  Awaitable<Result<TokenPair>> sign_in(SignIn request) override;
  Awaitable<Result<TokenPair>> refresh(std::string refresh_token) override;
  Awaitable<Result<void>> sign_out(UserId user, DeviceId device) override;
  Awaitable<Result<void>> sign_out_all(UserId user) override;
  Result<Principal> check(std::string_view access_token) const override {
    return judge_.check(access_token);
  }
  bool is_revoked(DeviceId device) const override { return judge_.is_revoked(device); }

 private:
  Awaitable<void> listen();

  Loops& loops_;
  const std::size_t loop_;
  Pool& pool_;
  TokenJudge& judge_;
  const std::function<void(UserId, DeviceId)> on_signed_out_;
  Gate gate_;
  boost::asio::steady_timer pause_;
  bool stopping_ = false;
};

/// Answers for the auth service of this process; `ticket_key`: of the gateways' tickets.
void serve(Router& router, AuthApi& auth, TokenSource& source, std::string ticket_key);

}  // namespace parley::rpc
