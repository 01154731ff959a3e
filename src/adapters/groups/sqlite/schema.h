#pragma once
#include "adapters/shared/sqlite/database.h"

namespace parley::groups {

/// The tables of groups.db, by version.
std::span<const sqlite::Migration> migrations();

}  // namespace parley::groups
