#pragma once
#include "adapters/shared/sql/database.h"
#include "adapters/shared/sql/execute.h"

namespace parley::accounts {

/// The greatest id of a kind ("account", "device") that was ever stored.
inline void raise_last_id(soci::session& s, const std::string& kind, long long id) {
  sql::execute(s, "UPDATE last_ids SET id = :id WHERE kind = :kind AND id < :below", id, kind, id);
}
inline Result<std::uint64_t> last_id(sql::Database& db, const std::string& kind) {
  return db.read([&](soci::session& s) -> Result<std::uint64_t> {
    long long id = 0;
    s << "SELECT id FROM last_ids WHERE kind = :kind", soci::use(kind), soci::into(id);
    return static_cast<std::uint64_t>(id);
  });
}

}  // namespace parley::accounts
