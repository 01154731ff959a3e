#pragma once
#include <functional>
#include <soci/soci.h>
#include <span>

#include "adapters/shared/mysql/settings.h"
#include "adapters/shared/sql/schema.h"
#include "base/result.h"

namespace parley::mysql {

/// One step that was taken.
struct Migrated {
  std::string_view schema;
  int version;
};

/// Makes the database if there is none and takes every schema to its version. Whoever comes while
/// another one migrates waits (10 minutes at most: then `busy`) and finds it done. A step that was
/// interrupted is taken again from its first statement. `unsupported`: a schema is newer.
/// `report` is called after each step.
Result<void> migrate(const Settings& settings, std::span<const sql::Schema* const> schemas,
                     const std::function<void(Migrated)>& report);

/// The version that the database has of a schema; 0: none. Throws what SOCI throws.
int stored_version(soci::session& session, std::string_view schema);

}  // namespace parley::mysql
