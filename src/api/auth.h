#pragma once
#include <boost/asio/awaitable.hpp>
#include <string>

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
  /// The device's tokens are refused from now on, and its sockets are closed within 1 s.
  virtual Awaitable<Result<void>> sign_out(UserId user, DeviceId device) = 0;
  virtual Awaitable<Result<void>> sign_out_all(UserId user) = 0;

  /// Signature, expiry and revocation of an access token. Any thread; does not block (about 50 us
  /// of CPU).
  virtual Result<Principal> check(std::string_view access_token) const = 0;
  /// Whether the device was signed out. Any thread; does not block.
  virtual bool is_revoked(DeviceId device) const = 0;
};

}  // namespace parley
