#include "adapters/accounts/sql/accounts.h"

namespace parley::accounts {

Result<void> SqlAccounts::add(std::span<const Account> accounts, std::string_view password_hash,
                              std::span<const AccountDevice> devices) {
  const std::string hash(password_hash);
  return db_->write([&](soci::session& s) -> Result<void> {
    for (const auto& account : accounts) insert_account(s, account, hash);
    for (const auto& device : devices) insert_device(s, device);
    return {};
  });
}

}  // namespace parley::accounts
