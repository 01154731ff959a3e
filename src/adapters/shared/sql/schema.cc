#include "adapters/shared/sql/schema.h"

#include <fmt/format.h>

namespace parley::sql {

std::string in_dialect(std::string_view statement, const Dialect& dialect) {
  return fmt::format(fmt::runtime(statement), fmt::arg("add_column", dialect.add_column),
                     fmt::arg("id", dialect.id), fmt::arg("long_text", dialect.long_text),
                     fmt::arg("table", dialect.table),
                     fmt::arg("table_by_key", dialect.table_by_key));
}

}  // namespace parley::sql
