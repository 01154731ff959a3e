#pragma once
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>

#include "api/auth.h"
#include "domain/limits.h"
#include "ports/failure_limits.h"
#include "services/auth/address_key.h"
#include "services/auth/device_tokens.h"
#include "services/auth/follower.h"
#include "services/auth/password_hasher.h"

namespace parley::auth {

enum class SignUpPolicy { open, invite, closed };

/// How many failures a key may have: `burst` at once, and one more each `refill`.
struct FailureLimit {
  double burst = 10;
  std::chrono::milliseconds refill{60'000};
};

struct AuthSettings {
  SignUpPolicy sign_up = SignUpPolicy::invite;
  std::vector<std::string> invites;  // codes; each is good until it is taken off the list
  TokenSettings tokens;
  PasswordCost password_cost;
  std::size_t hashing_threads = 2;
  std::size_t hashing_queue = 64;
  FailureLimit failures_by_name{10, std::chrono::minutes(1)};
  FailureLimit failures_by_address{100, std::chrono::seconds(5)};
  Limits limits;
  /// Other processes use the same store: how often it is looked at for devices that they have
  /// signed out. 0: nobody else uses it.
  std::chrono::milliseconds follow_every{0};
  /// Runs after that is durable, on the executor of the coroutine that signed the device out; on a
  /// thread of the pool where another process did it, or the look for others saw it first: a device
  /// may be told twice.
  std::function<void(UserId, DeviceId)> on_signed_out = [](UserId, DeviceId) {};
};

/// Sign-up, sign-in, tokens (api/auth.h). Stateless but for what the ports keep. Any loop. It
/// outlives the coroutines that it started.
class AuthService final : public AuthApi, public TokenSource {
 public:
  /// Blocks: reads the keys and the revoked devices. `pool` is for calls of the stores.
  static Result<std::unique_ptr<AuthService>> open(AccountStore& accounts, DeviceStore& devices,
                                                   SecretStore& secrets, FailureLimits& failures,
                                                   const Clock& clock,
                                                   boost::asio::thread_pool& pool,
                                                   AuthSettings settings);
  ~AuthService() override;

  /// Begins to follow what other processes do.
  void start();
  /// Ends that; before the pool ends.
  void stop();

  Awaitable<Result<TokenPair>> sign_up(SignUp request) override;
  Awaitable<Result<TokenPair>> sign_in(SignIn request) override;
  Awaitable<Result<TokenPair>> refresh(std::string refresh_token) override;
  Awaitable<Result<void>> sign_out(UserId user, DeviceId device) override;
  Awaitable<Result<void>> sign_out_all(UserId user) override;

  Result<Principal> check(std::string_view access_token) const override {
    return tokens_->check(access_token);
  }
  bool is_revoked(DeviceId device) const override { return tokens_->is_revoked(device); }

  std::string verifying_key() const override {
    const auto& key = tokens_->verifying_key();
    return {key.begin(), key.end()};
  }
  Awaitable<Result<Revocations>> revoked(std::uint64_t after,
                                         std::chrono::milliseconds patience) override;

  /// How many password hashes were computed.
  std::uint64_t hashes() const { return hasher_.computed(); }
  /// How many are being computed, or wait for that.
  std::size_t hashes_open() const { return hasher_.open(); }

 private:
  AuthService(AccountStore& accounts, FailureLimits& failures, const Clock& clock,
              boost::asio::thread_pool& pool, AuthSettings settings,
              std::unique_ptr<DeviceTokens> tokens);
  void tell(const SignedOut& signed_out) const;
  /// Looks for what other processes signed out.
  Result<void> follow();
  /// Whether that has failed for too long.
  bool is_cut_off() const;
  /// Runs `work(SignedOut&)` on the pool, and tells of the devices that it signed out.
  template <class F>
  auto on_devices(F work) -> Awaitable<std::invoke_result_t<F, SignedOut&>>;
  Awaitable<Result<void>> admit(const SignUp& request);
  Awaitable<Result<void>> take(std::vector<FailureLimits::Key> keys);
  FailureLimits::Key by_name(const std::string& name) const;
  FailureLimits::Key by_address(const std::string& remote_address) const;

  AccountStore& accounts_;
  FailureLimits& failures_;
  const Clock& clock_;
  boost::asio::thread_pool& pool_;
  const AuthSettings settings_;
  std::unique_ptr<DeviceTokens> tokens_;
  std::atomic<Clock::Mono> followed_;  // when the last good look began
  boost::asio::thread_pool hashing_pool_;
  PasswordHasher hasher_;
  std::unique_ptr<Follower>
      follower_;  // between start and stop, where there is something to follow
};

}  // namespace parley::auth
