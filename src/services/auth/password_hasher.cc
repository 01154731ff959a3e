#include "services/auth/password_hasher.h"

#include <boost/asio.hpp>
#include <sodium.h>

#include "base/check.h"
#include "base/loops.h"

namespace parley::auth {
namespace {
constexpr std::uint32_t kRetryMs = 1'000;
}

Result<std::string> hash_password(const std::string& password, PasswordCost cost) {
  std::string hash(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), cost.passes,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail_for(Code::unavailable, "there is no memory to hash the password", kRetryMs);
  hash.resize(hash.find('\0'));
  return hash;
}

PasswordHasher::PasswordHasher(PasswordCost cost, boost::asio::thread_pool& pool, std::size_t limit)
    : cost_(cost), pool_(pool), limit_(limit) {
  std::string unknown(32, '\0');
  randombytes_buf(unknown.data(), unknown.size());
  auto hash = hash_password(unknown, cost_);
  PARLEY_CHECK(hash.has_value(), "there is no memory for one password hash");
  nobody_ = std::move(*hash);
}

template <class F>
auto PasswordHasher::on_pool(F work) -> Awaitable<std::invoke_result_t<F>> {
  if (taken_.fetch_add(1) >= limit_) {
    --taken_;
    co_return fail_for(Code::busy, "too many people sign in at this moment", kRetryMs);
  }
  co_return co_await run_blocking(pool_, [this, work = std::move(work)] {
    auto result = work();
    ++computed_;
    --taken_;
    return result;
  });
}

Awaitable<Result<std::string>> PasswordHasher::hash(std::string password) {
  co_return co_await on_pool(
      [this, password = std::move(password)] { return hash_password(password, cost_); });
}

Awaitable<Result<bool>> PasswordHasher::verify(std::string password, std::string hash) {
  co_return co_await on_pool(
      [this, password = std::move(password), hash = std::move(hash)]() -> Result<bool> {
        const std::string& against = hash.empty() ? nobody_ : hash;
        const bool same =
            crypto_pwhash_str_verify(against.c_str(), password.data(), password.size()) == 0;
        return same && !hash.empty();
      });
}

}  // namespace parley::auth
