#pragma once

namespace parley::app {

struct Process;

// What `/metrics` shows besides what services count for themselves. Nobody looks any more when
// what is asked then is gone: the loops have stopped.

/// The process itself, before anything waits for other servers.
void measure_process(Process& p);
/// Queues, leases and the feed of the services that run here, once they are made.
void measure_services(Process& p);

}  // namespace parley::app
