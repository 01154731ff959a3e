#include "services/auth/jwt.h"

#include <gtest/gtest.h>

#include "services/auth/base64url.h"

namespace parley::auth {
namespace {

const std::string kSeed(32, 'k');
constexpr TimeMs kIssued(1'750'000'000'000), kExpires(1'750'000'900'000);

std::string good() { return Jwt(kSeed).sign(UserId(7), DeviceId(1ULL << 62), kIssued, kExpires); }
void expect_refused(const std::string& token) {
  const auto result = Jwt(kSeed).verify(token);
  ASSERT_FALSE(result) << token;
  EXPECT_EQ(result.error().code, Code::unauthenticated);
}

TEST(Jwt, NamesUserDeviceAndExpiry) {
  const auto principal = Jwt(kSeed).verify(good());
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->user, UserId(7));
  EXPECT_EQ(principal->device, DeviceId(1ULL << 62));
  EXPECT_EQ(principal->expires, kExpires);
}

TEST(Jwt, IsACompactJwsThatAnyLibraryReads) {
  const std::string token = good();
  const auto first = token.find('.'), last = token.rfind('.');
  EXPECT_EQ(from_base64url(token.substr(0, first)), R"({"alg":"EdDSA","typ":"JWT"})");
  EXPECT_EQ(from_base64url(token.substr(first + 1, last - first - 1)),
            R"({"sub":"7","device":"4611686018427387904","iat":1750000000,"exp":1750000900})");
  EXPECT_EQ(from_base64url(token.substr(last + 1))->size(), 64u);
}

// Well signed by our key (the vector of RFC 8037, appendix A), but not what `sign` writes.
TEST(Jwt, RefusesOtherTextUnderOurSignature) {
  const auto seed = from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
  ASSERT_TRUE(seed);
  const auto result = Jwt(*seed).verify(
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unauthenticated);
}

TEST(Jwt, RefusesATokenOfAnotherKey) {
  expect_refused(Jwt(std::string(32, 'x')).sign(UserId(7), DeviceId(8), kIssued, kExpires));
}

TEST(Jwt, RefusesEveryTruncation) {
  const std::string token = good();
  for (std::size_t size = 0; size < token.size(); ++size) expect_refused(token.substr(0, size));
  for (std::size_t from = 1; from < token.size(); ++from) expect_refused(token.substr(from));
}

TEST(Jwt, RefusesEveryChangedCharacter) {
  const std::string token = good();
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'B', '.', '=', ' ', '\0', '-'}) {
      std::string changed = token;
      changed[i] = other;
      if (changed != token) expect_refused(changed);
    }
  }
}

TEST(Jwt, RefusesAddedCharacters) {
  const std::string token = good();
  for (const char* added : {"=", "A", "AA", "AAAA", ".", ".AAAA", " ", "\n"}) {
    expect_refused(token + added);
    expect_refused(added + token);
  }
  expect_refused(std::string(100'000, 'a'));
  expect_refused(token + std::string(100'000, '='));
}

TEST(Jwt, RefusesAnotherAlgorithm) {
  const std::string token = good();
  const std::string claims_and_signature = token.substr(token.find('.'));
  const std::string claims_only =
      claims_and_signature.substr(0, claims_and_signature.rfind('.') + 1);
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"none","typ":"JWT"})", R"({"alg":"HS256","typ":"JWT"})",
        R"({"typ":"JWT","alg":"EdDSA"})", R"({"alg":"EdDSA","typ":"JWT","crit":["x"]})"}) {
    expect_refused(to_base64url(header) + claims_and_signature);
    expect_refused(to_base64url(header) + claims_only);
  }
  expect_refused(token.substr(0, token.rfind('.') + 1));  // no signature
}

TEST(Jwt, RefusesSwappedClaims) {
  const std::string mine = good();
  const std::string other = Jwt(kSeed).sign(UserId(8), DeviceId(9), kIssued, kExpires);
  const std::string theirs = other.substr(0, other.rfind('.'));
  expect_refused(theirs + mine.substr(mine.rfind('.')));
}

}  // namespace
}  // namespace parley::auth
