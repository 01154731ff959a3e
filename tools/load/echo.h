#pragma once
#include "options.h"
#include "result.h"
#include "session.h"

namespace parley::load {

/// Sends messages of a size at a rate, open loop, to a server that returns every byte, over as many
/// connections as there are senders: what the machine alone makes of a latency.
Result run_echo(const Options& options, const Target& target);

}  // namespace parley::load
