#pragma once
#include <soci/soci.h>

#include "adapters/shared/mysql/settings.h"

namespace parley::mysql {

/// What a connection is for: stores, or changing the schema (no database chosen yet, and no limit
/// for the answer to a statement that rebuilds a table).
enum class Purpose { store, schema };

/// Opens a session and sets what it needs of the server. Throws what SOCI throws.
void connect(soci::session& session, const Settings& settings, Purpose purpose);

/// The database's name as an identifier of a statement.
std::string quoted(std::string_view identifier);

}  // namespace parley::mysql
