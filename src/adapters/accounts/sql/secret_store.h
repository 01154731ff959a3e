#pragma once
#include "adapters/shared/sql/database.h"
#include "ports/accounts.h"

namespace parley::accounts {

class SqlSecretStore final : public SecretStore {
 public:
  explicit SqlSecretStore(sql::Database& db) : db_(db) {}

  Result<std::string> get_or_make(std::string_view name, std::size_t size) override;

 private:
  sql::Database& db_;
};

}  // namespace parley::accounts
