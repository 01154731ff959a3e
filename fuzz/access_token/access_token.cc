// Access tokens and refresh tokens from strangers. A token is refused, or it is one that we signed:
// nothing else gets through, and nothing crashes.
#include <cstdint>
#include <cstdlib>
#include <sodium.h>
#include <string_view>

#include "services/auth/jwt.h"
#include "services/auth/refresh_token.h"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = sodium_init() >= 0;
  static const auth::Jwt jwt(std::string(auth::Jwt::kSeedBytes, 'k'));
  static const auth::RefreshTokens tokens(std::string(auth::RefreshTokens::kKeyBytes, 'k'));
  if (!ready) std::abort();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto principal = jwt.verify(text)) {
    // Only what `sign` writes is accepted, so its expiry is a full second.
    if (principal->expires.value % 1000 != 0 || text.size() > 512) std::abort();
  }
  if (const auto token = tokens.parse(text); token && token->text != text) std::abort();
  return 0;
}
