#pragma once
#include <boost/asio.hpp>
#include <fmt/format.h>
#include <future>
#include <map>
#include <memory>
#include <random>

#include "adapters/shared/redis/client.h"
#include "app/admin.h"
#include "app/cluster.h"
#include "app/config.h"
#include "app/control.h"
#include "app/health.h"
#include "app/memory.h"
#include "app/peers.h"
#include "app/stores.h"
#include "app/targets.h"
#include "base/hybrid_clock.h"
#include "ports/traces.h"
#include "rpc/auth.h"
#include "rpc/delivery.h"
#include "rpc/feed.h"
#include "rpc/group.h"
#include "rpc/message.h"
#include "rpc/notification.h"
#include "rpc/presence.h"
#include "rpc/server.h"
#include "rpc/session.h"
#include "rpc/user.h"
#include "services/auth/auth_service.h"
#include "services/auth/token_judge.h"
#include "services/discovery/discovery_service.h"
#include "services/discovery/registration.h"
#include "services/gateway/gateway.h"
#include "services/group/group_service.h"
#include "services/group/stream_feed.h"
#include "services/message/message_service.h"
#include "services/notification/notification_service.h"
#include "services/presence/presence_service.h"
#include "services/session/session_service.h"
#include "services/user/user_service.h"

namespace parley::app {

inline std::string fresh_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// All that one process holds, in the order in which it is made; ended in reverse. Of each service
/// that its own services need there is an api: the service itself, or a stub. Without other
/// processes (`--target=all`) there are no peers, stubs or servers for them.
struct Process {
  Process(const Config& c, SystemClock& k, Targets t, std::stop_token s = {})
      : config(c),
        clock(k),
        hybrid(k),
        stop(std::move(s)),
        targets(std::move(t)),
        member_id(fresh_id()) {}

  /// Before anything that is asked, or that the cluster tells of its changes, is gone.
  ~Process() {
    health.stop();
    registration.reset();
    if (cluster) cluster->close();
  }

  bool has(std::string_view service) const { return targets.names.contains(service); }
  /// Nothing that it needs of others is missing. Any thread.
  bool all_there() const { return health.missing().empty() && (!peers || peers->all_there()); }
  /// What `call` comes to, again and again while the MySQL that it needs is not there.
  template <class Call>
  auto with_mysql(Call call) {
    if (config.mysql.address.empty()) return call();
    return health.wait_for("MySQL", config.mysql.address, std::move(call));
  }
  /// Gateways by id: the one here, or its stub; null: there is no such gateway.
  ReachGateway reach();

  Config config;
  SystemClock& clock;
  HybridClock hybrid;
  const std::stop_token stop;  // of the start: whoever waits gives up
  Metrics metrics;
  Health health{metrics, stop};
  const Targets targets;
  const std::string member_id;       // another one at each start
  std::unique_ptr<Traces> traces;    // null: nothing is traced
  std::unique_ptr<Cluster> cluster;  // where conversations have many logs
  Stores stores;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<MemoryKeeper> memory;
  std::unique_ptr<Peers> peers;
  std::unique_ptr<redis::Client>
      redis;  // if the configuration names one and a service here needs it

  std::unique_ptr<Cache> cache;
  std::unique_ptr<FailureLimits> failure_limits;

  struct Stubs {
    std::unique_ptr<rpc::SessionClient> sessions;
    std::unique_ptr<rpc::PresenceClient> presence;
    std::unique_ptr<auth::RemoteJudge> judge;
    std::unique_ptr<rpc::AuthClient> auth;
    std::unique_ptr<rpc::UserClient> users;
    std::unique_ptr<rpc::NotificationClient> notifications;
    std::unique_ptr<rpc::MessageClient> messages;
    std::map<std::uint64_t, std::unique_ptr<rpc::MessageClient>> message_processes;  // by id
    std::unique_ptr<rpc::LinkUser> messages_again;
    std::vector<std::unique_ptr<rpc::LinkUser>> reached;  // of message processes
    std::unique_ptr<rpc::FeedClient> feed;
    std::unique_ptr<rpc::GroupClient> groups;
    std::map<GatewayId, std::unique_ptr<rpc::DeliveryClient>> gateways;
  } stubs;

  std::unique_ptr<rpc::MessageRouter> message_router;  // where there are several
  std::unique_ptr<session::SessionService> sessions;
  std::unique_ptr<presence::PresenceService> presence;
  std::unique_ptr<auth::AuthService> auth;
  std::unique_ptr<user::UserService> users;
  std::unique_ptr<notification::NotificationService> notifications;
  std::unique_ptr<message::MessageService> messages;
  std::unique_ptr<StreamConsumer> feed_consumer;  // where conversations have many logs
  std::unique_ptr<group::StreamFeed> stream_feed;
  std::unique_ptr<group::GroupService> groups;
  std::unique_ptr<AddressPlaces> places;
  std::unique_ptr<discovery::DiscoveryService> discovery;
  std::unique_ptr<gateway::Gateway> gateway;
  std::atomic<gateway::Gateway*> open_gateway{nullptr};  // once it takes clients; any thread

  struct Apis {
    SessionApi* sessions = nullptr;
    PresenceApi* presence = nullptr;
    AuthApi* auth = nullptr;
    UserApi* users = nullptr;
    NotificationApi* notifications = nullptr;
    MessageApi* messages = nullptr;
    FeedApi* feed = nullptr;
    GroupApi* groups = nullptr;
  } api;

  // What other processes ask: of the services, and of the gateway.
  rpc::Router services_router, gateway_router;
  std::unique_ptr<rpc::Server> services_server, gateway_server;
  std::unique_ptr<Admin> admin;
  HostPort listen, admin_listen;
  std::unique_ptr<discovery::Registration> registration;  // in a cluster: of the gateway
  const std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
  std::unique_ptr<Control> control;  // where all stores are in the data folder, and here
  std::atomic<bool> made{false};     // all of the above but the gateway: none comes or goes
  bool running = false;
};

/// Runs a coroutine on the first loop and waits for its end.
template <class F>
auto run_on_loop(Loops& loops, F coroutine) {
  return boost::asio::co_spawn(loops.at(0), coroutine(), boost::asio::use_future).get();
}

/// Waits until what `close(done)` began has called `done`.
template <class F>
void wait_for(F close) {
  std::promise<void> done;
  close([&done] { done.set_value(); });
  done.get_future().wait();
}

}  // namespace parley::app
