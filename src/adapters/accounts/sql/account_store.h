#pragma once
#include "adapters/shared/sql/database.h"
#include "ports/accounts.h"

namespace parley::accounts {

class SqlAccountStore final : public AccountStore {
 public:
  explicit SqlAccountStore(sql::Database& db) : db_(db) {}

  Result<void> create(const Account& account, std::string_view password_hash) override;
  Result<std::optional<Account>> by_id(UserId id) override;
  Result<std::optional<Account>> by_name(std::string_view folded_name) override;
  Result<std::string> password_hash(UserId id) override;
  Result<bool> update(const Account& seen, const Account& wanted) override;
  Result<std::uint64_t> last_id() override;

 private:
  sql::Database& db_;
};

/// For a bulk load within a transaction of the caller: no look before the insert, so what is there
/// already throws (and becomes `already_exists`).
void insert_account(soci::session& s, const Account& account, const std::string& password_hash);

}  // namespace parley::accounts
