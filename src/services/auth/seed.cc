#include "services/auth/seed.h"

#include <algorithm>
#include <fmt/format.h>
#include <sodium.h>

#include "base/check.h"
#include "domain/snowflake.h"
#include "services/auth/base64url.h"
#include "services/auth/jwt.h"
#include "services/auth/keys.h"

namespace parley::auth {
namespace {

constexpr std::size_t kBatch = 1'000;

std::string random_text() {
  std::string bytes(18, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return to_base64url(bytes);
}

}  // namespace

Result<Seeded> seed(AccountStore& accounts, DeviceStore& devices, SecretStore& secrets,
                    const Clock& clock, const AddAccounts& add, const SeedSettings& settings) {
  PARLEY_CHECK(sodium_init() >= 0, "libsodium has no source of randomness");
  PARLEY_TRY(key, secrets.get_or_make(kSigningKey, Jwt::kSeedBytes));
  PARLEY_TRY(last_account, accounts.last_id());
  PARLEY_TRY(last_device, devices.last_id());
  const Jwt jwt(key);
  Snowflake ids(0, std::max(last_account, last_device));
  const TimeMs now = clock.wall();
  const TimeMs end(now.value + settings.token_lifetime.count());

  Seeded seeded{.password = random_text(), .users = {}};
  PARLEY_TRY(hash, hash_password(seeded.password, settings.password_cost));
  seeded.users.reserve(settings.users);
  std::vector<Account> new_accounts;
  std::vector<AccountDevice> new_devices;
  for (std::size_t i = 0; i < settings.users; ++i) {
    const std::string name = fmt::format("user{:06}", settings.first + i);
    const UserId user(ids.next(now));
    const DeviceId device(ids.next(now));
    new_accounts.push_back({user, name, name, {}, now});
    // Its refresh token is one that nobody has: it lives as long as its access token.
    new_devices.push_back({device, user, "seeded", now, now, random_text(), {}, end});
    seeded.users.push_back({name, user, device, jwt.sign(user, device, now, end)});
    if (new_accounts.size() == kBatch || i + 1 == settings.users) {
      PARLEY_TRY_VOID(add(new_accounts, hash, new_devices));
      new_accounts.clear();
      new_devices.clear();
    }
  }
  return seeded;
}

}  // namespace parley::auth
