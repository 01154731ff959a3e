#pragma once
#include "adapters/shared/sqlite/database.h"
#include "ports/accounts.h"

namespace parley::accounts {

class SqliteSecretStore final : public SecretStore {
 public:
  explicit SqliteSecretStore(sqlite::Database& db) : db_(db) {}

  Result<std::string> get_or_make(std::string_view name, std::size_t size) override;

 private:
  sqlite::Database& db_;
};

}  // namespace parley::accounts
