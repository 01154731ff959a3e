#include "services/auth/refresh_token.h"

#include <sodium.h>

#include "services/auth/base64url.h"

namespace parley::auth {
namespace {

constexpr std::size_t kSecretBytes = 32, kMacBytes = crypto_auth_BYTES;
constexpr std::size_t kBytes = sizeof(std::uint64_t) + kSecretBytes + kMacBytes;

static_assert(RefreshTokens::kKeyBytes == crypto_auth_KEYBYTES && kSecretBytes == kMacBytes);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string RefreshToken::hash() const {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), bytes_of(text), text.size());
  return to_base64url(digest);
}

RefreshToken RefreshTokens::fresh(DeviceId device) const {
  std::string secret(kSecretBytes, '\0');
  randombytes_buf(secret.data(), secret.size());
  return make(device, secret);
}

RefreshToken RefreshTokens::successor(const RefreshToken& token) const {
  return make(token.device, mac("next", token.text));
}

std::optional<RefreshToken> RefreshTokens::parse(std::string_view text) const {
  if (text.size() > kBytes * 2) return std::nullopt;
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != kBytes) return std::nullopt;
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < sizeof id; ++i) id = id << 8 | bytes_of(*bytes)[i];
  RefreshToken made = make(DeviceId(id), std::string_view(*bytes).substr(sizeof id, kSecretBytes));
  if (made.text.size() != text.size() ||
      sodium_memcmp(made.text.data(), text.data(), text.size()) != 0)
    return std::nullopt;
  return made;
}

RefreshToken RefreshTokens::make(DeviceId device, std::string_view secret) const {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes += static_cast<char>(device.value >> shift & 0xff);
  bytes += secret;
  bytes += mac("token", bytes);
  return {device, to_base64url(bytes)};
}

std::string RefreshTokens::mac(std::string_view purpose, std::string_view bytes) const {
  const std::string input = std::string(purpose) + '\0' + std::string(bytes);
  std::string out(kMacBytes, '\0');
  crypto_auth(reinterpret_cast<unsigned char*>(out.data()), bytes_of(input), input.size(),
              bytes_of(key_));
  return out;
}

}  // namespace parley::auth
