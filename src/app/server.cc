#include "app/server.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "adapters/traces/otlp/otlp_traces.h"
#include "app/connect.h"
#include "app/discovery.h"
#include "app/measures.h"
#include "app/process.h"
#include "app/services.h"
#include "base/log.h"

namespace parley::app {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::seconds kDrain{10};

std::size_t loop_count(const Config& config) {
  if (config.server.loops != 0) return config.server.loops;
  return std::max(1u, std::thread::hardware_concurrency());  // honours the CPU affinity
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

/// Whether some service here needs this one.
bool is_needed(const Process& p, std::string_view name) {
  for (const auto& row : services())
    if (p.has(row.name) && fmt::format(" {} ", row.needs).contains(fmt::format(" {} ", name)))
      return true;
  return false;
}

/// What this process is called in the cluster.
std::string cluster_name(const Process& p) {
  if (p.has("message")) return message_process(p.config.message_id);
  if (p.has("gateway")) return fmt::format("gateway-{}", p.config.gateway_id);
  auto name = p.targets.text();
  std::ranges::replace(name, ',', '_');
  return std::ranges::any_of(p.targets.names, may_be_several) ? name + "-" + p.member_id : name;
}

bool is_in_cluster(const Process& p) {
  if (p.has("message") || is_needed(p, "message")) return true;
  return std::ranges::any_of(services(), [&p](const ServiceRow& row) {
    return finds_by_zookeeper(p, row.name) && (p.has(row.name) || is_needed(p, row.name));
  });
}

void make_traces(Process& p) {
  const auto& config = p.config.traces;
  if (config.endpoint.empty()) return;
  traces::OtlpSettings settings;
  settings.endpoint = config.endpoint;
  settings.per_million = config.sample_per_million;
  settings.resource = {"parley-" + p.targets.text(), cluster_name(p), PARLEY_VERSION};
  p.traces = std::make_unique<traces::OtlpTraces>(std::move(settings), p.metrics);
}

Result<void> make_services(Process& p) {
  if (p.config.many_logs() && is_in_cluster(p)) {
    PARLEY_TRY(opened, Cluster::open(p.config, cluster_name(p), p.metrics));
    p.cluster = std::move(opened);
    const auto& zookeeper = p.config.zookeeper.addresses;
    PARLEY_TRY_VOID(p.health.wait_for("ZooKeeper", zookeeper,
                                      [&p] { return p.cluster->check_clock(p.clock); }));
    p.health.watch("ZooKeeper", zookeeper,
                   [&p] { return p.cluster->reached(std::chrono::seconds(3)); });
  }
  for (const auto& row : services())
    if (p.has(row.name)) PARLEY_TRY_VOID(row.open(p));
  if (!p.targets.all) {
    p.peers = std::make_unique<Peers>(*p.loops, p.targets.text(), p.config.peer_tls.opened);
    for (const auto& row : services())
      if (!p.has(row.name) && is_needed(p, row.name)) {
        if (row.name == "message" && p.cluster)
          PARLEY_TRY_VOID(connect_message_processes(p));
        else
          row.connect(p);
      }
    if (is_needed(p, "gateway") || p.has("gateway")) PARLEY_TRY_VOID(connect_gateways(p));
  }
  for (const auto& row : services())
    if (p.has(row.name) && row.name != "gateway") PARLEY_TRY_VOID(row.make(p));
  return {};
}

Result<void> open_admin(Process& p) {
  PARLEY_TRY(address, parse_address(p.config.server.admin));
  p.admin_listen = address;
  PARLEY_TRY(made, Admin::open(p.loops->at(0), p.admin_listen.host, p.admin_listen.port, p.clock,
                               p.metrics));
  p.admin = std::move(made);
  p.admin_listen.port = p.admin->port();
  p.admin->set_others(
      {[&p] { return p.health.missing() + (p.made && p.peers ? p.peers->missing() : ""); },
       [&p] { return p.all_there(); }});
  return {};
}

/// From the lower services up; other processes reach them when they are there.
Result<void> start_services(Process& p) {
  if (p.redis) {
    p.redis->start();
    p.health.watch("Redis", p.redis->address(), [&p]() -> Result<void> {
      if (const auto missing = p.redis->missing()) return fail(Code::unavailable, missing->why);
      return {};
    });
  }
  if (p.peers) p.peers->start();
  if (p.stubs.auth) p.stubs.auth->start();
  if (p.auth) p.auth->start();  // before others ask it what it has learned
  if (p.sessions) p.sessions->start();
  if (p.presence) p.presence->start();
  if (p.messages) PARLEY_TRY_VOID(p.messages->start());
  if (p.groups) {
    if (p.peers) PARLEY_TRY_VOID(p.peers->wait_for(address_of(p.config, "message"), p.stop));
    PARLEY_TRY_VOID(p.groups->start());
  }
  if (!p.targets.all) {
    PARLEY_TRY_VOID(serve_services(p));
    PARLEY_TRY_VOID(join_cluster(p));
  }
  // Conversations come to this process when others can reach it.
  if (p.cluster && p.messages)
    return p.cluster->serve(*p.messages, address_of(p.config, "message"), p.admin_listen.text(),
                            p.stop);
  return {};
}

/// The last: who can connect can chat.
Result<void> open_gateway(Process& p) {
  for (const auto& row : services())
    if (row.name == "gateway") PARLEY_TRY_VOID(row.make(p));
  if (!p.targets.all) PARLEY_TRY_VOID(serve_gateway(p));
  PARLEY_TRY(address, parse_address(p.config.server.listen));
  p.listen = address;
  auto port = run_on_loop(*p.loops, [&p]() -> Awaitable<Result<std::uint16_t>> {
    co_return p.gateway->listen(p.listen.host, p.listen.port);
  });
  if (!port) return std::unexpected(port.error());
  p.listen.port = *port;
  p.open_gateway = p.gateway.get();
  list_gateway(p);
  return {};
}

/// Where all that there is to be backed up is in the data folder, and this process has it open.
Result<void> open_control(Process& p) {
  const auto& config = p.config;
  if (!p.targets.all || config.many_logs() || !config.mysql.address.empty() ||
      !config.cassandra.addresses.empty())
    return {};
  PARLEY_TRY(data, data_folder(config));
  PARLEY_TRY(opened, Control::open(data, [&p, data](const auto& into, const auto& progress) {
               return backup(p.stores, data, into, Pace::gentle, progress);
             }));
  p.control = std::move(opened);
  return {};
}

Result<void> run(Process& p) {
  if (p.has("gateway")) PARLEY_TRY_VOID(open_places(p));
  p.loops = std::make_unique<Loops>(loop_count(p.config), p.config.server.pool_threads);
  // Before anything waits: it says for what.
  PARLEY_TRY_VOID(open_admin(p));
  p.memory = std::make_unique<MemoryKeeper>(*p.loops);
  p.memory->start();
  p.loops->start();
  measure_process(p);
  make_traces(p);
  PARLEY_TRY_VOID(make_services(p));
  p.made = true;
  p.running = true;
  measure_services(p);
  PARLEY_TRY_VOID(start_services(p));
  if (p.has("gateway")) PARLEY_TRY_VOID(open_gateway(p));
  PARLEY_TRY_VOID(open_control(p));
  p.admin->set_ready(true);
  return {};
}

}  // namespace

Server::Server(std::unique_ptr<Process> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  if (parts_->running)
    stop();
  else if (parts_->loops)
    parts_->loops->stop();  // before what was made on them goes
}

Result<std::unique_ptr<Server>> Server::start(const Config& config, const Targets& targets,
                                              SystemClock& clock, std::stop_token stop) {
  raise_file_limit();
  std::unique_ptr<Server> server(
      new Server(std::make_unique<Process>(config, clock, targets, std::move(stop))));
  PARLEY_TRY_VOID(run(*server->parts_));
  return server;
}

void Server::stop() {
  auto& p = *parts_;
  p.admin->set_ready(false);
  leave_cluster(p);
  p.control.reset();
  // Clients first, then what they may still have asked, upwards; other processes are answered until
  // each service has said its last.
  const auto since = std::chrono::steady_clock::now();
  drain_discovery(p);
  const auto left = kDrain - std::chrono::ceil<std::chrono::milliseconds>(
                                 std::chrono::steady_clock::now() - since);
  if (p.gateway) wait_for([&](auto done) { p.gateway->drain(left, done); });
  if (p.stream_feed) p.stream_feed->close();
  if (p.groups) wait_for([&](auto done) { p.groups->close(done); });
  if (p.cluster) p.cluster->leave();
  if (p.stores.published) p.stores.published->close(std::chrono::seconds(2));
  if (p.messages) wait_for([&](auto done) { p.messages->close(done); });
  if (p.presence) wait_for([&](auto done) { p.presence->close(done); });
  if (p.notifications) p.notifications->stop();
  if (p.gateway_server) p.gateway_server->stop();
  if (p.services_server) p.services_server->stop();
  if (p.peers) p.peers->stop();
  if (p.stubs.auth) p.stubs.auth->stop();
  if (p.auth) p.auth->stop();
  p.loops->stop();
  p.running = false;
}

Loops& Server::loops() { return *parts_->loops; }
bool Server::has_gateway() const { return parts_->gateway != nullptr; }
std::string Server::targets() const { return parts_->targets.text(); }
std::string Server::address() const {
  if (has_gateway()) return parts_->listen.text();
  return fmt::format("{}", fmt::join(parts_->services_server->addresses(), ", "));
}
std::string Server::admin_address() const { return parts_->admin_listen.text(); }

}  // namespace parley::app
