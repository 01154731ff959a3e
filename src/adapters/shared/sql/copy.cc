#include "adapters/shared/sql/copy.h"

#include <boost/crc.hpp>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace parley::sql {
namespace {

constexpr std::size_t kRows = 100;         // of one statement
constexpr std::size_t kBytes = 256 << 10;  // likewise

using Row = std::vector<std::string>;

std::string as_text(const Table& table) {
  std::string out;
  for (const auto& column : table.columns)
    out += fmt::format("{}CAST({} AS TEXT)", out.empty() ? "" : ", ", column);
  return out;
}

/// Reads a table through one cursor: SQLite has no more than a page of it in memory.
Result<void> each_row(Database& sqlite, const Table& table,
                      const std::function<Result<void>(const Row&)>& take) {
  return sqlite.read([&](soci::session& s) -> Result<void> {
    Row row(table.columns.size());
    soci::statement select(s);
    for (auto& value : row) select.exchange(soci::into(value));
    select.alloc();
    select.prepare(fmt::format("SELECT {} FROM {}", as_text(table), table.name));
    select.define_and_bind();
    for (bool more = select.execute(true); more; more = select.fetch()) PARLEY_TRY_VOID(take(row));
    return {};
  });
}

Result<void> insert(Database& mysql, const Table& table, const std::vector<Row>& rows) {
  std::string values;
  std::size_t count = 0;
  for (const auto& row : rows) {
    values += values.empty() ? "(" : ", (";
    for (std::size_t i = 0; i < row.size(); ++i)
      values += fmt::format("{}:v{}", i == 0 ? "" : ", ", count++);
    values += ")";
  }
  return mysql.write([&](soci::session& s) -> Result<void> {
    soci::statement replace(s);
    for (const auto& row : rows)
      for (const auto& value : row) replace.exchange(soci::use(value));
    replace.alloc();
    replace.prepare(fmt::format("REPLACE INTO {} ({}) VALUES {}", table.name,
                                fmt::join(table.columns, ", "), values));
    replace.define_and_bind();
    replace.execute(true);
    return {};
  });
}

}  // namespace

Result<std::vector<Table>> tables_of(Database& sqlite) {
  return sqlite.read([&](soci::session& s) -> Result<std::vector<Table>> {
    std::vector<Table> out;
    const soci::rowset<std::string> names =
        (s.prepare << "SELECT name FROM sqlite_master WHERE type = 'table' "
                      "AND name <> 'schema_versions' ORDER BY name");
    for (const auto& name : names) out.push_back({name, {}});
    for (auto& [name, columns] : out) {
      const soci::rowset<std::string> found =
          (s.prepare << fmt::format("SELECT name FROM pragma_table_info('{}')", name));
      for (const auto& column : found) columns.push_back(column);
    }
    return out;
  });
}

Result<TableSum> sum_of(Database& sqlite, const Table& table) {
  TableSum out;
  PARLEY_TRY_VOID(each_row(sqlite, table, [&](const Row& row) -> Result<void> {
    boost::crc_32_type crc;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) crc.process_byte('|');
      crc.process_bytes(row[i].data(), row[i].size());
    }
    ++out.rows;
    out.sum += crc.checksum();
    return {};
  }));
  return out;
}

Result<TableSum> sum_on_server(Database& mysql, const Table& table) {
  return mysql.read([&](soci::session& s) -> Result<TableSum> {
    std::string rows, sum;
    s << fmt::format(
        "SELECT CAST(COUNT(*) AS CHAR), CAST(COALESCE(SUM(CRC32(CONCAT_WS('|', {}))), 0) AS CHAR) "
        "FROM {}",
        fmt::join(table.columns, ", "), table.name),
        soci::into(rows), soci::into(sum);
    TableSum out;
    std::from_chars(rows.data(), rows.data() + rows.size(), out.rows);
    std::from_chars(sum.data(), sum.data() + sum.size(), out.sum);
    return out;
  });
}

Result<void> copy(Database& sqlite, Database& mysql, const Table& table,
                  const std::function<void(std::uint64_t rows)>& progress) {
  PARLEY_TRY_VOID(mysql.write([&](soci::session& s) -> Result<void> {
    s << "DELETE FROM " + table.name;
    return {};
  }));
  std::vector<Row> rows;
  std::size_t bytes = 0;
  std::uint64_t done = 0;
  const auto flush = [&]() -> Result<void> {
    if (rows.empty()) return {};
    PARLEY_TRY_VOID(insert(mysql, table, rows));
    progress(done += rows.size());
    rows.clear();
    bytes = 0;
    return {};
  };
  PARLEY_TRY_VOID(each_row(sqlite, table, [&](const Row& row) -> Result<void> {
    rows.push_back(row);
    for (const auto& value : row) bytes += value.size();
    return rows.size() < kRows && bytes < kBytes ? Result<void>() : flush();
  }));
  return flush();
}

}  // namespace parley::sql
