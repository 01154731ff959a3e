#include "services/auth/jwt.h"

#include <charconv>
#include <fmt/format.h>
#include <sodium.h>

#include "base/check.h"
#include "services/auth/base64url.h"

namespace parley::auth {
namespace {

constexpr std::string_view kHeader = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9";  // see the class
constexpr std::size_t kMaxBytes = 512;

static_assert(Jwt::kSeedBytes == crypto_sign_SEEDBYTES);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Error> refused() {
  return fail(Code::unauthenticated, "the access token is not valid: sign in");
}

// Reads what `sign` wrote, and nothing else.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  Reader& literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
    return *this;
  }
  template <class N>
  Reader& number(N& out) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    ok_ = ok_ && error == std::errc();
    if (ok_) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return *this;
  }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

Jwt::Jwt(std::string_view seed) {
  PARLEY_CHECK(seed.size() == kSeedBytes, "the signing key is 32 bytes");
  crypto_sign_seed_keypair(verifying_key_.data(), secret_key_.data(), bytes_of(seed));
}

std::string Jwt::sign(UserId user, DeviceId device, TimeMs issued, TimeMs expires) const {
  const std::string claims =
      fmt::format(R"({{"sub":"{}","device":"{}","iat":{},"exp":{}}})", user.value, device.value,
                  issued.value / 1000, expires.value / 1000);
  std::string token = fmt::format("{}.{}", kHeader, to_base64url(claims));
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(token),
                       token.size(), secret_key_.data());
  return token + '.' + to_base64url(signature);
}

Result<Principal> verify_token(std::string_view token, const VerifyingKey& key) {
  if (token.size() > kMaxBytes) return refused();
  const auto dot = token.rfind('.');
  if (dot == token.npos) return refused();
  const auto signed_part = token.substr(0, dot);
  if (!signed_part.starts_with(kHeader) || signed_part.size() <= kHeader.size() ||
      signed_part[kHeader.size()] != '.')
    return refused();
  const auto signature = from_base64url(token.substr(dot + 1));
  if (!signature || signature->size() != crypto_sign_BYTES) return refused();
  if (crypto_sign_verify_detached(bytes_of(*signature), bytes_of(signed_part), signed_part.size(),
                                  key.data()) != 0)
    return refused();

  const auto claims = from_base64url(signed_part.substr(kHeader.size() + 1));
  if (!claims) return refused();
  std::uint64_t user = 0, device = 0;
  std::int64_t issued = 0, expires = 0;
  if (!Reader(*claims)
           .literal(R"({"sub":")")
           .number(user)
           .literal(R"(","device":")")
           .number(device)
           .literal(R"(","iat":)")
           .number(issued)
           .literal(R"(,"exp":)")
           .number(expires)
           .literal("}")
           .done())
    return refused();
  return Principal{UserId(user), DeviceId(device), TimeMs(expires * 1000)};
}

}  // namespace parley::auth
