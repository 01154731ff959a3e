#include "app/move_source.h"

#include <filesystem>
#include <fmt/format.h>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/sqlite/database.h"

namespace parley::app {

Result<MoveSource> MoveSource::open(const Config& config) {
  const auto data = std::filesystem::absolute(config.server.data);
  const std::pair<const char*, const sql::Schema*> parts[] = {{"accounts", &accounts::schema()},
                                                              {"group", &groups::schema()},
                                                              {"notification", &push::schema()}};
  const auto lacks = [&](const char* part) {
    return fail(Code::invalid_argument,
                fmt::format("{} is not the data folder of a server with embedded stores: there is "
                            "no {} in it. Name it by --data",
                            data.string(), part));
  };
  // The others are made, without rows, as the server's next start would.
  for (const auto* folder : {"message", "accounts"})
    if (!std::filesystem::is_directory(data / folder)) return lacks(folder);

  MoveSource out;
  auto scan = RocksdbScan::open((data / "message").string());
  if (!scan) return std::unexpected(scan.error());
  out.conversations = std::move(*scan);
  out.version = fmt::format("{:x}", out.conversations->version());
  for (const auto& [folder, schema] : parts) {
    PARLEY_TRY(db, sqlite::Database::open({.folder = data / folder}, *schema));
    Part part{schema, std::move(db), {}};
    PARLEY_TRY(tables, sql::tables_of(*part.db));
    for (auto& table : tables) {
      PARLEY_TRY(sum, sql::sum_of(*part.db, table));
      out.version += fmt::format(" {}:{}:{:x}", table.name, sum.rows, sum.sum);
      part.tables.emplace_back(std::move(table), sum);
    }
    out.databases.push_back(std::move(part));
  }
  PARLEY_TRY(last_seen, last_seen::SqliteLastSeenStore::open(data / "presence"));
  out.last_seen = std::move(last_seen);
  return out;
}

}  // namespace parley::app
