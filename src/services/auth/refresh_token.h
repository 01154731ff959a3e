#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace parley::auth {

/// An opaque refresh token: base64url of the device's id (8 bytes, big-endian), 32 bytes of secret,
/// and a MAC over both.
struct RefreshToken {
  DeviceId device;
  std::string text;

  /// What is stored of it: SHA-256, as base64url.
  std::string hash() const;
};

/// Makes refresh tokens and tells ours from others. The MAC lets the server say of a token that it
/// no longer knows that it was once issued, so it was copied; nobody can sign a device out by
/// inventing one. Any thread.
class RefreshTokens {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  explicit RefreshTokens(std::string key) : key_(std::move(key)) {}

  RefreshToken fresh(DeviceId device) const;
  /// Always the same for a token, and not to be guessed without the key: a client that did not get
  /// the answer to a refresh asks again and gets that answer.
  RefreshToken successor(const RefreshToken& token) const;
  std::optional<RefreshToken> parse(std::string_view text) const;

 private:
  RefreshToken make(DeviceId device, std::string_view secret) const;
  std::string mac(std::string_view purpose, std::string_view bytes) const;

  std::string key_;
};

}  // namespace parley::auth
