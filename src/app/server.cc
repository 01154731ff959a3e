#include "app/server.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <boost/asio.hpp>
#include <filesystem>
#include <future>

#include "adapters/accounts/sqlite/accounts.h"
#include "adapters/conversation_store/rocksdb/store.h"
#include "adapters/push/sqlite/push_sink.h"
#include "adapters/session_registry/memory/registry.h"
#include "app/admin.h"
#include "base/hybrid_clock.h"
#include "base/log.h"
#include "services/auth/auth_service.h"
#include "services/gateway/gateway.h"
#include "services/message/message_service.h"
#include "services/notification/notification_service.h"
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
  for (std::size_t i = 0; i < count; ++i) out.push_back(std::make_unique<session_registry::MemoryRegistry>());
  return out;
}

/// Sockets are files: as many as this process is allowed.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warn("app", "the limit of open files stays at {}", limit.rlim_cur);
  }
}

template <class F>
auto run_on_loop(Loops& loops, F coroutine) {
  return asio::co_spawn(loops.at(0), std::move(coroutine), asio::use_future).get();
}

}  // namespace

/// In the order in which they are made; ended in reverse.
struct Server::Parts {
  Parts(const Config& c, SystemClock& k) : config(c), clock(k) {}

  Config config;
  SystemClock& clock;
  Metrics metrics;
  std::unique_ptr<accounts::SqliteAccounts> accounts;
  std::unique_ptr<push::SqlitePushSink> pushes;
  std::unique_ptr<conversation_store::Store> store;
  std::unique_ptr<HybridClock> hybrid;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<session::SessionService> sessions;
  std::unique_ptr<auth::AuthService> auth;
  std::unique_ptr<user::UserService> users;
  std::unique_ptr<notification::NotificationService> notifications;
  std::unique_ptr<message::MessageService> messages;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<Admin> admin;
  HostPort listen;
  bool running = false;

  Result<void> open_stores();
  Result<void> make_services();
  Result<void> run();
};

Result<void> Server::Parts::open_stores() {
  const std::filesystem::path data = config.server.data;
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error)
    return fail(Code::invalid_argument,
                fmt::format("the data folder {} cannot be made: {}: give another by --data", data.string(), error.message()));
  conversation_store::Settings settings;
  settings.flush_entries = config.store.flush_entries;
  settings.cache_bytes = config.store.cache_mib << 20;
  PARLEY_TRY(opened, conversation_store::Store::open(data / "message", settings));
  store = std::move(opened);
  PARLEY_TRY(opened_accounts, accounts::SqliteAccounts::open(data / "accounts"));
  accounts = std::move(opened_accounts);
  PARLEY_TRY(opened_pushes, push::SqlitePushSink::open(data / "notification"));
  pushes = std::move(opened_pushes);
  return {};
}

Result<void> Server::Parts::make_services() {
  hybrid = std::make_unique<HybridClock>(clock);
  loops = std::make_unique<Loops>(loop_count(config), config.server.pool_threads);
  sessions = std::make_unique<session::SessionService>(*loops, registries(loops->size()));
  PARLEY_TRY(made_auth, auth::AuthService::make(*loops, clock, accounts->accounts(), accounts->devices(),
                                                accounts->secrets(), auth_settings(config)));
  auth = std::move(made_auth);
  return {};
}

}  // namespace parley::app
