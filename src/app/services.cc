#include "app/services.h"

#include "adapters/cache/memory/cache.h"
#include "adapters/cache/redis/cache.h"
#include "adapters/failure_limits/memory/limits.h"
#include "adapters/failure_limits/redis/limits.h"
#include "adapters/session_registry/memory/registry.h"
#include "adapters/session_registry/redis/registry.h"
#include "app/connect.h"
#include "app/discovery.h"
#include "app/process.h"
#include "app/redis.h"

namespace parley::app {
namespace {

constexpr std::size_t kCached = 10'000;               // profiles
constexpr std::size_t kFailuresRemembered = 131'072;  // names and addresses

Result<void> make_session(Process& p) {
  std::vector<std::unique_ptr<SessionRegistry>> registries;
  if (p.config.redis.address.empty()) {
    for (std::size_t i = 0; i < p.loops->size(); ++i)
      registries.push_back(std::make_unique<session_registry::MemoryRegistry>());
  } else {
    PARLEY_TRY_VOID(make_redis(p));
    session_registry::RedisSettings settings;
    settings.gateway_timeout = p.config.session.gateway_timeout;
    registries.push_back(std::make_unique<session_registry::RedisRegistry>(*p.redis, settings));
  }
  p.sessions = std::make_unique<session::SessionService>(*p.loops, p.clock, std::move(registries),
                                                         p.config.session, gateway_ids(p));
  p.api.sessions = p.sessions.get();
  return {};
}

Result<void> make_presence(Process& p) {
  p.presence = std::make_unique<presence::PresenceService>(*p.loops, p.clock, *p.stores.last_seen,
                                                           p.reach(), p.config.presence);
  p.api.presence = p.presence.get();
  p.api.sessions->subscribe(*p.presence, presence::PresenceService::kLoop);
  return {};
}

auth::AuthSettings auth_settings(const Config& config) {
  auth::AuthSettings settings;
  settings.sign_up = config.auth.sign_up == "open"     ? auth::SignUpPolicy::open
                     : config.auth.sign_up == "invite" ? auth::SignUpPolicy::invite
                                                       : auth::SignUpPolicy::closed;
  settings.invites = config.auth.invites;
  settings.tokens.access_lifetime = config.auth.access_token_ms;
  const auto failures = static_cast<int>(config.auth.failed_sign_ins_per_minute);
  settings.failures_by_name = {static_cast<double>(failures),
                               std::chrono::milliseconds(60'000) / failures};
  settings.limits = config.gateway.limits;
  if (!config.mysql.address.empty()) settings.follow_every = std::chrono::milliseconds(250);
  return settings;
}

Result<void> make_auth(Process& p) {
  auto settings = auth_settings(p.config);
  // Gateways elsewhere hear of it by TokenSource.
  settings.on_signed_out = [&p](UserId user, DeviceId device) {
    if (auto* gateway = p.open_gateway.load()) gateway->sign_out(user, device);
  };
  p.failure_limits =
      std::make_unique<failure_limits::MemoryFailureLimits>(p.clock, kFailuresRemembered);
  if (!p.config.redis.address.empty()) {
    PARLEY_TRY_VOID(make_redis(p));
    p.failure_limits =
        std::make_unique<failure_limits::RedisFailureLimits>(*p.redis, std::move(p.failure_limits));
  }
  auto& accounts = *p.stores.accounts;
  PARLEY_TRY(made, p.with_mysql([&] {
    return auth::AuthService::open(accounts.accounts(), accounts.devices(), accounts.secrets(),
                                   *p.failure_limits, p.clock, p.loops->pool(), settings);
  }));
  p.auth = std::move(made);
  p.api.auth = p.auth.get();
  return {};
}

Result<void> make_user(Process& p) {
  if (p.config.redis.address.empty()) {
    p.cache = std::make_unique<cache::MemoryCache>(p.clock, kCached);
  } else {
    PARLEY_TRY_VOID(make_redis(p));
    p.cache = std::make_unique<cache::RedisCache>(*p.redis);
  }
  p.users = std::make_unique<user::UserService>(
      p.stores.accounts->accounts(), p.stores.accounts->devices(), *p.cache, p.clock,
      p.loops->pool(), user::UserSettings{.limits = p.config.gateway.limits});
  p.api.users = p.users.get();
  return {};
}

Result<void> make_notification(Process& p) {
  p.notifications = std::make_unique<notification::NotificationService>(
      *p.stores.pushes, *p.loops, notification::NotificationSettings{});
  p.api.notifications = p.notifications.get();
  return {};
}

/// One of several, each with the logs of its shards.
Result<void> make_message_of_many(Process& p) {
  PARLEY_TRY(nodes, p.health.wait_for("ZooKeeper", p.config.zookeeper.addresses,
                                      [&p] { return p.cluster->node_numbers(p.loops->size()); }));
  p.messages = std::make_unique<message::MessageService>(
      message::MessageService::Needs{
          *p.loops, p.clock, p.hybrid, *p.stores.published, nullptr, p.stores.logs.get(),
          *p.api.users, *p.api.sessions, *p.api.notifications, p.reach(), p.metrics,
          std::move(nodes),
          [&p](ShardId shard, Generation of) { return p.cluster->holds(shard, of); },
          [&p](ShardId shard, Generation of) { p.cluster->give_up(shard, of); }, p.traces.get()},
      p.config.message);
  PARLEY_TRY_VOID(connect_message_processes(p));
  return {};
}

Result<void> make_message(Process& p) {
  if (p.config.many_logs()) return make_message_of_many(p);
  p.messages = std::make_unique<message::MessageService>(
      message::MessageService::Needs{*p.loops,
                                     p.clock,
                                     p.hybrid,
                                     *p.stores.timed,
                                     p.stores.conversations.get(),
                                     nullptr,
                                     *p.api.users,
                                     *p.api.sessions,
                                     *p.api.notifications,
                                     p.reach(),
                                     p.metrics,
                                     {},
                                     {},
                                     {},
                                     p.traces.get()},
      p.config.message);
  p.api.messages = p.messages.get();
  p.api.feed = &p.messages->feed();
  return {};
}

Result<void> make_group(Process& p) {
  group::Settings settings;
  if (p.config.many_logs()) {
    PARLEY_TRY_VOID(open_feed(p));
    settings.feed_patience = std::chrono::seconds(1);  // so long the end may have to wait for it
  }
  p.groups = std::make_unique<group::GroupService>(
      group::GroupService::Needs{*p.loops, p.clock, *p.stores.groups, *p.api.messages, *p.api.feed,
                                 *p.api.users, *p.api.notifications, p.reach(), p.metrics,
                                 p.traces.get()},
      settings);
  p.api.groups = p.groups.get();
  p.api.sessions->subscribe(*p.groups, p.groups->home());
  return {};
}

/// The key of the tickets, which all gateways share, is with auth.
Result<std::string> ticket_key(Process& p) {
  if (p.auth) return p.with_mysql([&p] { return ticket_key_of(*p.stores.accounts); });
  return run_on_loop(
      *p.loops, [&p] { return p.stubs.auth->connect([&p] { return p.stop.stop_requested(); }); });
}

Result<void> make_gateway(Process& p) {
  PARLEY_TRY(secret, ticket_key(p));
  gateway::TicketKey key;
  if (secret.size() != key.size())
    return fail(Code::internal, "the key of the gateways' tickets is damaged");
  std::ranges::copy(secret, key.begin());
  make_discovery(p);
  p.gateway = std::make_unique<gateway::Gateway>(
      *p.loops, p.clock, p.config.gateway,
      gateway::Services{*p.api.messages, *p.api.auth, *p.api.users, *p.api.sessions, *p.api.groups,
                        *p.api.presence, *p.discovery, p.reach(), p.traces.get()},
      key, p.metrics, GatewayId(p.config.gateway_id));
  return {};
}

Result<void> no_store(Process&) { return {}; }
void no_stub(Process&) {}  // gateways are reached one by one: connect_gateways

constexpr ServiceRow kServices[] = {
    {"session", "", "memory", "which user is on which gateway", no_store, make_session,
     connect_session},
    {"presence", "session gateway", "SQLite", "who is online, when the others were last seen",
     open_last_seen, make_presence, connect_presence},
    {"auth", "", "SQLite", "sign-up, sign-in, tokens", open_accounts, make_auth, connect_auth},
    {"user", "", "SQLite", "profiles, devices, finding people", open_accounts, make_user,
     connect_user},
    {"notification", "", "SQLite", "who must be pushed", open_pushes, make_notification,
     connect_notification},
    {"message", "user session notification gateway", "log + RocksDB",
     "conversation logs, marks, inboxes, the duty to deliver", open_conversations, make_message,
     connect_message},
    {"group", "message user session notification gateway", "SQLite",
     "groups, their members, the fan-out of their entries", open_groups, make_group, connect_group},
    {"gateway", "message auth user session group presence", "-",
     "client connections: WebSocket and REST", no_store, make_gateway, no_stub},
};
}  // namespace

std::span<const ServiceRow> services() { return kServices; }

}  // namespace parley::app
