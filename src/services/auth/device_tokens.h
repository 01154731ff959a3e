#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "api/auth.h"
#include "base/clock.h"
#include "domain/snowflake.h"
#include "ports/accounts.h"
#include "services/auth/jwt.h"
#include "services/auth/refresh_token.h"
#include "services/auth/revocation_log.h"
#include "services/auth/revoked_devices.h"

namespace parley::auth {

struct TokenSettings {
  std::chrono::milliseconds access_lifetime = std::chrono::minutes(15);
  std::chrono::milliseconds refresh_lifetime = std::chrono::days(90);
  /// How long after a refresh the token that was given for it still brings the same answer.
  std::chrono::milliseconds refresh_grace = std::chrono::minutes(1);
  std::size_t devices_per_user = 32;
  std::optional<std::uint32_t> node;  // of the first ids; none: a random one
};

/// Devices that a call signed out: their sockets are to be closed. One may be told twice, by
/// `follow` and by who signed it out.
using SignedOut = std::vector<std::pair<UserId, DeviceId>>;

/// Signed-in devices and their tokens. Blocking, any thread, but for `check` and `is_revoked`,
/// which do not block. The rules of refreshing are in README.md.
class DeviceTokens {
 public:
  /// Reads the keys, the revoked devices and the last ids.
  static Result<std::unique_ptr<DeviceTokens>> open(AccountStore& accounts, DeviceStore& devices,
                                                    SecretStore& secrets, const Clock& clock,
                                                    TokenSettings settings);

  /// Signs a new device in. A user who holds as many as may be loses first those whose tokens have
  /// expired, then the one that was not used for the longest: nobody is locked out by devices that
  /// are gone. (Two sign-ins at once may leave one too many, until the next.)
  Result<TokenPair> issue(UserId user, const std::string& device_name, SignedOut& signed_out);
  Result<TokenPair> refresh(const std::string& refresh_token, SignedOut& signed_out);
  /// `not_found`: the device is another user's. One that is gone already: success.
  Result<void> sign_out(UserId user, DeviceId device, SignedOut& signed_out);
  Result<void> sign_out_all(UserId user, SignedOut& signed_out);
  /// Learns of the devices that other processes over the same store have signed out. One thread at
  /// a time.
  Result<void> follow(SignedOut& signed_out);

  Result<Principal> check(std::string_view access_token) const;
  bool is_revoked(DeviceId device) const { return revoked_.contains(device); }

  const VerifyingKey& verifying_key() const { return jwt_.verifying_key(); }
  const RevocationLog& revocations() const { return log_; }

  /// Above every id of a user or device that was stored before the start, also when the clock was
  /// set back. Another process may make the same one: the store says who was first.
  std::uint64_t next_id();
  /// Gives `store` new ids until it is no `conflict`.
  Result<void> store_new(const std::function<Result<void>(std::uint64_t id)>& store);

 private:
  DeviceTokens(DeviceStore& devices, const Clock& clock, TokenSettings settings,
               std::string_view signing_key, std::string refresh_key, std::uint64_t last_id);
  void use_another_node();
  TokenPair pair(const AccountDevice& device, const RefreshToken& refresh, TimeMs now,
                 TimeMs refresh_expires) const;
  Result<void> make_room(UserId user, TimeMs now, SignedOut& signed_out);
  Result<void> revoke(const AccountDevice& device, SignedOut& signed_out);
  /// Whether it was not known.
  bool learn(const RevokedDevice& device, TimeMs now);

  DeviceStore& devices_;
  const Clock& clock_;
  const TokenSettings settings_;
  const Jwt jwt_;
  const RefreshTokens refresh_tokens_;
  RevokedDevices revoked_;
  RevocationLog log_;           // the same, for other processes
  TimeMs newest_;               // of the revoked devices that were read; at first, when that was
  Clock::Mono looked_back_{0};  // when `follow` last looked far back
  std::mutex ids_mutex_;
  Snowflake ids_;
};

}  // namespace parley::auth
