#pragma once
#include <array>
#include <string>
#include <string_view>

#include "api/auth.h"

namespace parley::auth {

using VerifyingKey = std::array<unsigned char, 32>;

/// Who a token names and until when, if it was signed by the key's owner: whether it has expired is
/// for the caller to say. `unauthenticated` else. Any thread.
Result<Principal> verify_token(std::string_view token, const VerifyingKey& key);

/// Makes and checks access tokens: JWTs (RFC 7519) as compact JWS (RFC 7515) signed with Ed25519
/// (RFC 8037). The header is always `{"alg":"EdDSA","typ":"JWT"}` and compared as text, so no token
/// can choose its algorithm. The claims are always `sub` (the user), `device`, `iat`, `exp`, in
/// this order. Any thread.
class Jwt {
 public:
  static constexpr std::size_t kSeedBytes = 32;

  /// `seed`: the secret, kSeedBytes long.
  explicit Jwt(std::string_view seed);

  /// Expires at the full second at or before `expires`.
  std::string sign(UserId user, DeviceId device, TimeMs issued, TimeMs expires) const;
  Result<Principal> verify(std::string_view token) const {
    return verify_token(token, verifying_key_);
  }
  const VerifyingKey& verifying_key() const { return verifying_key_; }

 private:
  VerifyingKey verifying_key_;
  std::array<unsigned char, 64> secret_key_;
};

}  // namespace parley::auth
