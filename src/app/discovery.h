#pragma once
#include <chrono>

#include "base/result.h"

namespace parley::app {

struct Process;

/// Reads the file that says where addresses are, where the configuration names one. Errors are one
/// sentence for the person who starts the process.
Result<void> open_places(Process& p);

/// What the gateway here asks where clients should connect: itself, or, in a cluster, the list of
/// all gateways, kept from now on.
void make_discovery(Process& p);

/// Lists the gateway, which takes clients now, among all of a cluster.
void list_gateway(Process& p);

/// The gateway is listed as draining, so that nobody is sent here any more; waits for that, 2 s at
/// most.
void drain_discovery(Process& p);

}  // namespace parley::app
