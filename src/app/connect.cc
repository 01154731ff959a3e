#include "app/connect.h"

#include <fmt/format.h>

#include "app/process.h"
#include "base/log.h"

namespace parley::app {
namespace {

rpc::Link& link(Process& p, const std::string& service) {
  return p.peers->at(address_of(p.config, service), service, true);
}

/// The processes of auth or user.
rpc::Pool& pool(Process& p, const std::string& service) {
  const auto replicas = replicas_of(p.config, service);
  auto& pool = p.peers->pool(fmt::format("{}{}", replicas.kind, fmt::join(replicas.addresses, ",")),
                             service, true);
  if (replicas.kind.empty())
    pool.set(replicas.addresses);
  else
    p.cluster->membership().watch(replicas.kind, [&pool](const std::vector<Member>& members) {
      // When all sessions are lost those that live are listed again in a moment; until then it is
      // by their links that one knows whether they are there.
      if (members.empty()) return;
      std::vector<std::string> addresses;
      for (const auto& member : members) addresses.push_back(member.address);
      pool.set(addresses);
    });
  return pool;
}

/// Tells the gateway when the message service is there again, and for how long nothing may have
/// come.
class MessageAgain final : public rpc::LinkUser {
 public:
  explicit MessageAgain(Process& process) : process_(process) {}
  void on_lost(const Error&) override {
    if (!lost_) lost_ = std::chrono::steady_clock::now();
  }
  void on_open(rpc::v1::Frame&) override {
    const auto lost = std::exchange(lost_, {});
    auto* gateway = process_.open_gateway.load();
    if (lost && gateway)
      gateway->read_again(std::chrono::ceil<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - *lost + rpc::Link::Settings{}.broken_after));
  }

 private:
  Process& process_;
  std::optional<std::chrono::steady_clock::time_point> lost_;
};

/// Tells the router whether a message process can be asked.
class Reached final : public rpc::LinkUser {
 public:
  Reached(rpc::MessageRouter& router, std::string name) : router_(router), name_(std::move(name)) {
    router_.set_reachable(name_, false);
  }
  void on_lost(const Error&) override { router_.set_reachable(name_, false); }
  void on_open(rpc::v1::Frame&) override { router_.set_reachable(name_, true); }

 private:
  rpc::MessageRouter& router_;
  const std::string name_;
};

std::string member_name(const Process& p, const std::string& kind) {
  return fmt::format("{}-{}", kind, p.member_id);
}

/// As what this process lists itself for those who look for auth or user.
std::set<std::string> listed_kinds(const Process& p) {
  std::set<std::string> out;
  if (!p.targets.all)
    for (const auto& name : p.targets.names)
      if (finds_by_zookeeper(p, name)) out.insert(replicas_of(p.config, name).kind);
  return out;
}

}  // namespace

bool finds_by_zookeeper(const Process& p, std::string_view service) {
  return may_be_several(service) && !replicas_of(p.config, service).kind.empty();
}

std::vector<GatewayId> gateway_ids(const Process& p) {
  std::set<GatewayId> out;
  if (auto gateways = gateways_of(p.config))
    for (const auto& [id, address] : *gateways) out.insert(id);
  if (p.has("gateway")) out.insert(GatewayId(p.config.gateway_id));
  return {out.begin(), out.end()};
}

void connect_session(Process& p) {
  p.stubs.sessions = std::make_unique<rpc::SessionClient>(link(p, "session"), gateway_ids(p));
  p.api.sessions = p.stubs.sessions.get();
}

void connect_presence(Process& p) {
  p.stubs.presence = std::make_unique<rpc::PresenceClient>(link(p, "presence"));
  p.api.presence = p.stubs.presence.get();
}

void connect_auth(Process& p) {
  p.stubs.judge = std::make_unique<auth::RemoteJudge>(p.clock);
  p.stubs.auth = std::make_unique<rpc::AuthClient>(*p.loops, 0, pool(p, "auth"), *p.stubs.judge,
                                                   [&p](UserId user, DeviceId device) {
                                                     if (auto* gateway = p.open_gateway.load())
                                                       gateway->sign_out(user, device);
                                                   });
  p.api.auth = p.stubs.auth.get();
}

void connect_user(Process& p) {
  p.stubs.users = std::make_unique<rpc::UserClient>(pool(p, "user"));
  p.api.users = p.stubs.users.get();
}

void connect_notification(Process& p) {
  p.stubs.notifications = std::make_unique<rpc::NotificationClient>(link(p, "notification"));
  p.api.notifications = p.stubs.notifications.get();
}

Result<void> connect_message_processes(Process& p) {
  PARLEY_TRY(processes, messages_of(p.config));
  std::map<std::string, MessageApi*> all;
  std::map<std::string, rpc::Link*> others;
  for (const auto& [id, address] : processes) {
    if (p.has("message") && id == p.config.message_id) {
      all[message_process(id)] = p.messages.get();
      continue;
    }
    auto& to = p.peers->at(address, message_process(id), false);
    auto& stub = p.stubs.message_processes[id];
    stub = std::make_unique<rpc::MessageClient>(to);
    all[message_process(id)] = stub.get();
    if (!p.stubs.messages_again) p.stubs.messages_again = std::make_unique<MessageAgain>(p);
    to.add(*p.stubs.messages_again);
    others[message_process(id)] = &to;
  }
  p.message_router = std::make_unique<rpc::MessageRouter>(*p.loops, std::move(all));
  for (const auto& [name, to] : others) {
    auto& reached =
        p.stubs.reached.emplace_back(std::make_unique<Reached>(*p.message_router, name));
    // Before the stub, which tells the router that requests were lost.
    to->add_first(*reached);
  }
  // Whoever is listed can be reached, and will soon own something.
  p.cluster->route(*p.message_router, [others](const std::string& name) {
    if (const auto at = others.find(name); at != others.end()) at->second->hurry();
  });
  p.api.messages = p.message_router.get();
  return {};
}

void connect_message(Process& p) {
  auto& to = link(p, "message");
  p.stubs.messages = std::make_unique<rpc::MessageClient>(to);
  p.stubs.feed = std::make_unique<rpc::FeedClient>(to);
  p.stubs.messages_again = std::make_unique<MessageAgain>(p);
  to.add(*p.stubs.messages_again);
  p.api.messages = p.stubs.messages.get();
  p.api.feed = p.stubs.feed.get();
}

void connect_group(Process& p) {
  p.stubs.groups = std::make_unique<rpc::GroupClient>(link(p, "group"));
  p.api.groups = p.stubs.groups.get();
}

Result<void> connect_gateways(Process& p) {
  PARLEY_TRY(gateways, gateways_of(p.config));
  for (const auto& [id, address] : gateways) {
    if (p.has("gateway") && id == GatewayId(p.config.gateway_id)) continue;
    auto& to = p.peers->at(address, fmt::format("gateway {}", id.value), false);
    p.stubs.gateways[id] = std::make_unique<rpc::DeliveryClient>(to);
  }
  return {};
}

ReachGateway Process::reach() {
  return [this](GatewayId id) -> DeliveryApi* {
    if (has("gateway") && id == GatewayId(config.gateway_id)) return gateway.get();
    const auto at = stubs.gateways.find(id);
    return at == stubs.gateways.end() ? nullptr : at->second.get();
  };
}

Result<void> serve_services(Process& p) {
  auto& router = p.services_router;
  std::set<std::string> addresses;
  for (const auto& name : p.targets.names)
    if (name != "gateway") addresses.insert(address_of(p.config, name));
  if (addresses.empty()) return {};
  if (p.sessions) rpc::serve(router, *p.loops, *p.sessions, gateway_ids(p));
  if (p.presence) rpc::serve(router, *p.presence);
  if (p.auth) {
    PARLEY_TRY(key, p.with_mysql([&p] { return ticket_key_of(*p.stores.accounts); }));
    rpc::serve(router, *p.auth, *p.auth, key);
  }
  if (p.users) rpc::serve(router, *p.users);
  if (p.notifications) rpc::serve(router, *p.notifications);
  if (p.messages) rpc::serve(router, *p.loops, *p.messages);
  if (p.messages && !p.config.many_logs()) rpc::serve(router, p.messages->feed());
  if (p.groups) rpc::serve(router, *p.groups);
  PARLEY_TRY(opened, rpc::Server::open(*p.loops, router,
                                       {.addresses = {addresses.begin(), addresses.end()},
                                        .process = p.targets.text(),
                                        .security = p.config.peer_tls.opened}));
  p.services_server = std::move(opened);
  return {};
}

Result<void> join_cluster(Process& p) {
  for (const auto& kind : listed_kinds(p)) {
    const Member self{kind, member_name(p, kind), address_of(p.config, kind),
                      fmt::format("admin={}\n", p.admin_listen.text())};
    PARLEY_TRY_VOID(p.health.wait_for("ZooKeeper", p.config.zookeeper.addresses,
                                      [&p, &self] { return p.cluster->membership().join(self); }));
  }
  return {};
}

void leave_cluster(Process& p) {
  for (const auto& kind : listed_kinds(p))
    if (auto left = p.cluster->membership().leave(kind, member_name(p, kind)); !left)
      log::warn("cluster", "event=not_left kind={} reason=\"{}\"", kind, left.error().message);
}

Result<void> serve_gateway(Process& p) {
  rpc::serve(p.gateway_router, *p.gateway);
  PARLEY_TRY(opened, rpc::Server::open(
                         *p.loops, p.gateway_router,
                         {.addresses = {p.config.gateways[std::to_string(p.config.gateway_id)]},
                          .process = fmt::format("gateway {}", p.config.gateway_id),
                          .security = p.config.peer_tls.opened}));
  p.gateway_server = std::move(opened);
  return {};
}

}  // namespace parley::app
