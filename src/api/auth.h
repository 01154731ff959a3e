#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace parley {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// Who is behind a session or a request.
struct Principal {
  UserId user;
  DeviceId device;
  TimeMs expires;  // of the access token
};

struct TokenPair {
  UserId user;
  DeviceId device;
  std::string access;
  TimeMs access_expires;
  std::string refresh;
  TimeMs refresh_expires;
};

struct SignUp {
  std::string name, password, display_name, device_name, invite;
  std::string remote_address;
};
struct SignIn {
  std::string name, password, device_name;
  std::string remote_address;
};

/// Accounts' way in: sign-up, sign-in, tokens. Coroutines run on the caller's executor; blocking
/// work is done elsewhere. Errors: wrong_credentials, rate_limited (failed sign-ins, by name and by
/// address), sign_up_closed, already_exists, invalid_argument (with the field), busy (the queue of
/// password checks is full), unauthenticated.
class AuthApi {
 public:
  virtual ~AuthApi() = default;
  virtual Awaitable<Result<TokenPair>> sign_up(SignUp request) = 0;
  virtual Awaitable<Result<TokenPair>> sign_in(SignIn request) = 0;
  /// Rotates: the refresh token given is used up. One that was used before signs the device out.
  virtual Awaitable<Result<TokenPair>> refresh(std::string refresh_token) = 0;
  /// The device's tokens are refused from now on (elsewhere within 1 s), and its sockets are closed
  /// within 1 s.
  virtual Awaitable<Result<void>> sign_out(UserId user, DeviceId device) = 0;
  virtual Awaitable<Result<void>> sign_out_all(UserId user) = 0;

  /// Signature, expiry and revocation of an access token. Any thread; does not block (about 50 us
  /// of CPU).
  virtual Result<Principal> check(std::string_view access_token) const = 0;
  /// Whether the device was signed out. Any thread; does not block.
  virtual bool is_revoked(DeviceId device) const = 0;
};

/// Devices that were signed out, whose access tokens are to be refused until they have ended.
struct Revocation {
  UserId user;  // 0: not known
  DeviceId device;
  TimeMs until;
};
struct Revocations {
  std::vector<Revocation> devices;
  std::uint64_t version = 0;  // up to and with these
};

/// What the auth service tells processes that judge access tokens by themselves. Any loop.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  virtual std::string verifying_key() const = 0;
  /// Those after a version that this process gave; of any other version (0, or another process's):
  /// all. Where there are none yet, waits at most `patience`; then empty. `unavailable`, but not
  /// after 0: this process does not know what others have signed out in the last second.
  virtual Awaitable<Result<Revocations>> revoked(std::uint64_t after,
                                                 std::chrono::milliseconds patience) = 0;
};

/// Judges access tokens with nothing but what a TokenSource told. Any thread; does not block.
class TokenJudge {
 public:
  virtual ~TokenJudge() = default;
  virtual void learn(const std::string& verifying_key) = 0;
  virtual void learn(const std::vector<Revocation>& revoked) = 0;
  /// As AuthApi says; `unavailable` before the key is known.
  virtual Result<Principal> check(std::string_view access_token) const = 0;
  virtual bool is_revoked(DeviceId device) const = 0;
};

}  // namespace parley
