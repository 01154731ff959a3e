#pragma once
#include <functional>
#include <span>

#include "base/clock.h"
#include "ports/accounts.h"
#include "services/auth/password_hasher.h"

namespace parley::auth {

struct SeedSettings {
  std::size_t users = 0;
  std::size_t first = 1;  // the number in the first name
  std::chrono::milliseconds token_lifetime = std::chrono::days(30);
  PasswordCost password_cost;
};

struct SeededUser {
  std::string name;
  UserId user;
  DeviceId device;
  std::string access_token;
};
struct Seeded {
  std::string password;  // random, and the same for all
  std::vector<SeededUser> users;
};

/// Stores accounts with one password and one device each, durably, all or nothing.
using AddAccounts =
    std::function<Result<void>(std::span<const Account> accounts, std::string_view password_hash,
                               std::span<const AccountDevice> devices)>;

/// Fills a stopped server's folder with people for tests and benches: user000001 and on, a thousand
/// per call of `add`, with access tokens that live long. Blocks. A device that is signed out is
/// refused for a day, not until such a token ends.
Result<Seeded> seed(AccountStore& accounts, DeviceStore& devices, SecretStore& secrets,
                    const Clock& clock, const AddAccounts& add, const SeedSettings& settings);

}  // namespace parley::auth
