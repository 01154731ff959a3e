#include "app/server.h"

#include <boost/asio.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <future>
#include <sodium.h>
#include <sys/resource.h>

#include "adapters/session_registry/memory/registry.h"
#include "app/admin.h"
#include "app/memory.h"
#include "app/stores.h"
#include "base/hybrid_clock.h"
#include "base/log.h"
#include "services/auth/auth_service.h"
#include "services/gateway/gateway.h"
#include "services/group/group_service.h"
#include "services/message/message_service.h"
#include "services/notification/notification_service.h"
#include "services/presence/presence_service.h"
#include "services/session/session_service.h"
#include "services/user/user_service.h"

namespace parley::app {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::seconds kDrain{10};
// The one gateway of the embedded shape.
constexpr GatewayId kGateway(1);

std::size_t loop_count(const Config& config) {
  if (config.server.loops != 0) return config.server.loops;
  return std::max(1u, std::thread::hardware_concurrency());  // honours the CPU affinity
}

std::vector<std::unique_ptr<SessionRegistry>> registries(std::size_t count) {
  std::vector<std::unique_ptr<SessionRegistry>> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(std::make_unique<session_registry::MemoryRegistry>());
  return out;
}

/// Sockets are files: as many as this process is allowed.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
      log::warn("app", "the limit of open files stays at {}", limit.rlim_cur);
  }
}

template <class F>
auto run_on_loop(Loops& loops, F coroutine) {
  return asio::co_spawn(loops.at(0), coroutine(), asio::use_future).get();
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
  return settings;
}

}  // namespace

/// In the order in which they are made; ended in reverse.
struct Server::Parts {
  Parts(const Config& c, SystemClock& k) : config(c), clock(k), hybrid(k) {}

  Result<void> make();
  Result<void> run();
  Result<gateway::TicketKey> ticket_key();

  Config config;
  SystemClock& clock;
  HybridClock hybrid;
  Metrics metrics;
  Stores stores;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<MemoryKeeper> memory;
  std::unique_ptr<session::SessionService> sessions;
  std::unique_ptr<presence::PresenceService> presence;
  std::unique_ptr<auth::AuthService> auth;
  std::unique_ptr<user::UserService> users;
  std::unique_ptr<notification::NotificationService> notifications;
  std::unique_ptr<message::MessageService> messages;
  std::unique_ptr<group::GroupService> groups;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<Admin> admin;
  HostPort listen, admin_listen;
  bool running = false;
};

Result<gateway::TicketKey> Server::Parts::ticket_key() {
  gateway::TicketKey key;
  PARLEY_TRY(secret, stores.accounts->secrets().get_or_make("gateway.ticket_key", key.size()));
  std::ranges::copy(secret, key.begin());
  return key;
}

Result<void> Server::Parts::make() {
  PARLEY_TRY(opened, Stores::open(config));
  stores = std::move(opened);
  loops = std::make_unique<Loops>(loop_count(config), config.server.pool_threads);
  sessions = std::make_unique<session::SessionService>(*loops, clock, registries(loops->size()),
                                                       config.session);
  const auto reach = [this](GatewayId id) -> DeliveryApi* {
    return id == kGateway ? gateway.get() : nullptr;
  };
  presence = std::make_unique<presence::PresenceService>(*loops, clock, *stores.last_seen, reach,
                                                         config.presence);
  sessions->subscribe(*presence, presence::PresenceService::kLoop);
  auto& accounts = stores.accounts->accounts();
  auto& devices = stores.accounts->devices();
  auto settings = auth_settings(config);
  settings.on_signed_out = [this](UserId user, DeviceId device) {
    gateway->sign_out(user, device);
  };
  PARLEY_TRY(made, auth::AuthService::open(accounts, devices, stores.accounts->secrets(), clock,
                                           loops->pool(), std::move(settings)));
  auth = std::move(made);
  users = std::make_unique<user::UserService>(accounts, devices, clock, loops->pool(),
                                              user::UserSettings{.limits = config.gateway.limits});
  notifications = std::make_unique<notification::NotificationService>(
      *stores.pushes, *loops, notification::NotificationSettings{});
  messages = std::make_unique<message::MessageService>(
      message::MessageService::Needs{*loops, clock, hybrid, *stores.conversations,
                                     *stores.conversations, *users, *sessions, *notifications,
                                     reach, metrics},
      config.message);
  groups = std::make_unique<group::GroupService>(
      group::GroupService::Needs{*loops, clock, *stores.groups, *messages, messages->feed(), *users,
                                 *notifications, reach, metrics},
      group::Settings{});
  sessions->subscribe(*groups, groups->home());
  PARLEY_TRY(key, ticket_key());
  gateway = std::make_unique<gateway::Gateway>(
      *loops, clock, config.gateway, gateway::Services{*messages, *auth, *users, *sessions}, key,
      metrics, kGateway);
  return {};
}

Result<void> Server::Parts::run() {
  PARLEY_TRY(address, parse_address(config.server.listen));
  PARLEY_TRY(admin_address, parse_address(config.server.admin));
  listen = address;
  admin_listen = admin_address;
  PARLEY_TRY(made, Admin::open(loops->at(0), admin_listen.host, admin_listen.port, clock, metrics));
  admin = std::move(made);
  admin_listen.port = admin->port();
  memory = std::make_unique<MemoryKeeper>(*loops);
  memory->start();
  loops->start();
  running = true;
  sessions->start();
  presence->start();
  PARLEY_TRY_VOID(messages->start());
  PARLEY_TRY_VOID(groups->start());
  auto port = run_on_loop(*loops, [this]() -> Awaitable<Result<std::uint16_t>> {
    co_return gateway->listen(listen.host, listen.port);
  });
  if (!port) return std::unexpected(port.error());
  listen.port = *port;
  admin->set_ready(true);
  return {};
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  if (parts_->running) stop();
}

Result<std::unique_ptr<Server>> Server::start(const Config& config, SystemClock& clock) {
  raise_file_limit();
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(config, clock)));
  PARLEY_TRY_VOID(server->parts_->make());
  PARLEY_TRY_VOID(server->parts_->run());
  return server;
}

void Server::stop() {
  auto& parts = *parts_;
  parts.admin->set_ready(false);
  std::promise<void> drained;
  parts.gateway->drain(kDrain, [&] { drained.set_value(); });
  drained.get_future().wait();
  std::promise<void> groups_closed;
  parts.groups->close([&] { groups_closed.set_value(); });
  groups_closed.get_future().wait();
  std::promise<void> closed;
  parts.messages->close([&] { closed.set_value(); });
  closed.get_future().wait();
  std::promise<void> written;
  parts.presence->close([&] { written.set_value(); });
  written.get_future().wait();
  parts.notifications->stop();
  parts.loops->stop();
  parts.running = false;
}

namespace {
std::string join(const HostPort& at) {
  const bool v6 = at.host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", at.host, v6 ? "]" : "", at.port);
}
}  // namespace

std::string Server::address() const { return join(parts_->listen); }
std::string Server::admin_address() const { return join(parts_->admin_listen); }

Result<Server::Person> Server::demo_person(const std::string& name,
                                           const std::string& display_name) {
  auto& parts = *parts_;
  const auto kept =
      std::filesystem::path(parts.config.server.data) / ("demo_" + name + ".password");
  Person person{name, display_name, {}};
  // Kept before the account is made, so that a crash in between leaves no account without a
  // password.
  if (std::ifstream in(kept); !std::getline(in, person.password)) {
    std::array<unsigned char, 9> random;
    randombytes_buf(random.data(), random.size());
    person.password.resize(
        sodium_base64_ENCODED_LEN(random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    sodium_bin2base64(person.password.data(), person.password.size(), random.data(), random.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    person.password.pop_back();  // its terminating zero
    std::ofstream out(kept);
    std::filesystem::permissions(
        kept, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    if (!(out << person.password << '\n' << std::flush))
      return fail(Code::storage_full, kept.string() + " cannot be written: is there space?");
  }
  auto made = run_on_loop(*parts.loops, [&]() -> Awaitable<Result<TokenPair>> {
    return parts.auth->sign_up({name, person.password, display_name, "demo", {}, "127.0.0.1"});
  });
  if (!made && made.error().code != Code::already_exists) return std::unexpected(made.error());
  return person;
}

}  // namespace parley::app
