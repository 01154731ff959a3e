#pragma once
#include "app/config.h"

namespace parley::app {

/// `parleyd migrate --from embedded --to cluster`: moves what a stopped server with embedded stores
/// has in its data folder into the MySQL, Cassandra and Kafka of the configuration, prints how far
/// it is, and reads everything back in the end. The folder's rows stay as they are. Killed at any
/// moment it goes on where it was when it is run again; until it has come to its end no process
/// starts on the target. Errors are one sentence; nothing is overwritten in a target that holds
/// anything of another.
Result<void> move_up(const Config& config);

}  // namespace parley::app
