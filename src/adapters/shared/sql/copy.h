#pragma once
#include <functional>

#include "adapters/shared/sql/database.h"

namespace parley::sql {

/// A table that has the same columns in both kinds of database.
struct Table {
  std::string name;
  std::vector<std::string> columns;
};

/// How many rows, and the sum of each row's CRC-32 (of its columns as text, `|` between them).
struct TableSum {
  std::uint64_t rows = 0, sum = 0;

  bool operator==(const TableSum&) const = default;
};

/// All tables of an SQLite database but the one that says its version, by name.
Result<std::vector<Table>> tables_of(Database& sqlite);
/// Of an SQLite database, row by row.
Result<TableSum> sum_of(Database& sqlite, const Table& table);
/// Of a MySQL one: the server does the work.
Result<TableSum> sum_on_server(Database& mysql, const Table& table);
/// Replaces what MySQL's table holds by the rows of SQLite's, some in a transaction. Each row is
/// there in the end, also if it is done twice; `progress` hears how many are.
Result<void> copy(Database& sqlite, Database& mysql, const Table& table,
                  const std::function<void(std::uint64_t rows)>& progress);

}  // namespace parley::sql
