#pragma once
#include "base/result.h"

namespace parley::app {

struct Process;

/// The client of the configured Redis, if there is none yet; on the first loop. Whether the server
/// is there shows later.
Result<void> make_redis(Process& p);

}  // namespace parley::app
