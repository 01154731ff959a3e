#pragma once
#include "adapters/shared/sqlite/database.h"

namespace parley::accounts {

/// The tables of accounts.db, by version.
std::span<const sqlite::Migration> migrations();

}  // namespace parley::accounts
