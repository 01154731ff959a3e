#pragma once
#include "adapters/shared/mysql/settings.h"
#include "app/config.h"

namespace parley::app {

/// The MySQL server that the configuration names. `invalid_argument`: it names none, or its
/// password cannot be read.
Result<mysql::Settings> mysql_settings(const Config& config);

/// `parleyd migrate`: takes the tables of every store to the version that this program needs, and
/// prints what it did.
Result<void> migrate(const Config& config);

}  // namespace parley::app
