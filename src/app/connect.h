#pragma once
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace parley::app {

struct Process;

// Stubs of services that run in other processes.
void connect_session(Process& p);
void connect_presence(Process& p);
void connect_auth(Process& p);
void connect_user(Process& p);
void connect_notification(Process& p);
void connect_message(Process& p);
void connect_group(Process& p);
/// Those of all gateways but the one here.
Result<void> connect_gateways(Process& p);
/// Where there are several message processes: a stub of each but this one, and the router that
/// knows which of them owns what.
Result<void> connect_message_processes(Process& p);

/// The processes of this service, auth or user, are found by ZooKeeper.
bool finds_by_zookeeper(const Process& p, std::string_view service);
/// Those of them that run here are found from now on, or not any more; nothing else is changed.
Result<void> join_cluster(Process& p);
void leave_cluster(Process& p);

/// All gateways that the configuration knows, and the one here.
std::vector<GatewayId> gateway_ids(const Process& p);

/// Opens the server for other processes that the services here are reached by, or the gateway's.
Result<void> serve_services(Process& p);
Result<void> serve_gateway(Process& p);

}  // namespace parley::app
