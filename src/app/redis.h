#pragma once
#include "adapters/shared/redis/client.h"
#include "app/config.h"
#include "base/result.h"

namespace parley::app {

struct Process;

/// The Redis that the configuration names. `invalid_argument`: its password cannot be read.
Result<redis::Settings> redis_settings(const Config& config);

/// The client of the configured Redis, if there is none yet; on the first loop. Whether the server
/// is there shows later.
Result<void> make_redis(Process& p);

}  // namespace parley::app
