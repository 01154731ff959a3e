#include "app/targets.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <fmt/format.h>

#include "app/services.h"

namespace parley::app {
namespace {

constexpr std::string_view kByZookeeper = "zookeeper";

std::string known_targets() {
  std::string out = "all";
  for (const auto& row : services()) out += fmt::format(", {}", row.name);
  return out;
}

bool is_service(std::string_view name) {
  return std::ranges::any_of(services(), [&](const ServiceRow& row) { return row.name == name; });
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (;;) {
    const auto end = text.find(separator);
    if (const auto word = text.substr(0, end); !word.empty()) out.emplace_back(word);
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::unexpected<Error> no_address(std::string_view service, const std::string& file_line) {
  return fail(Code::invalid_argument,
              fmt::format("nothing says where {} is for other processes: write {} in the file of "
                          "--config",
                          service, file_line));
}

}  // namespace

std::string Targets::text() const { return all ? "all" : fmt::format("{}", fmt::join(names, ",")); }

Result<Targets> parse_targets(const Config& config) {
  const auto& text = config.server.target;
  const bool together = config.services.user.empty() || config.mysql.address.empty();
  Targets out;
  out.all = false;
  for (auto& name : split(text, ',')) {
    if (name == "all") out.all = true;
    if (name != "all" && !is_service(name))
      return fail(Code::invalid_argument, fmt::format("--target {}: there is no service {}; there "
                                                      "are {}",
                                                      text, name, known_targets()));
    if (together && may_be_several(name)) out.names.insert({"auth", "user"});
    out.names.insert(std::move(name));
  }
  if (out.names.empty())
    return fail(Code::invalid_argument,
                fmt::format("--target names no service; there are {}", known_targets()));
  if (out.all)
    for (const auto& row : services()) out.names.emplace(row.name);
  return out;
}

bool may_be_several(std::string_view service) { return service == "auth" || service == "user"; }

Replicas replicas_of(const Config& config, std::string_view service) {
  const auto& at = config.services;
  if (service == "user" && at.user.empty()) service = "auth";
  const auto& said = service == "user" ? at.user : at.auth;
  if (said == kByZookeeper) return {std::string(service), {}};
  return {{}, split(said, ',')};
}

const std::string& address_of(const Config& config, std::string_view service) {
  const auto& at = config.services;
  static const std::string none;
  if (service == "message" && config.many_logs()) {
    const auto own = config.messages.find(std::to_string(config.message_id));
    return own == config.messages.end() ? none : own->second;
  }
  if (may_be_several(service) && !at.listen.empty()) return at.listen;
  return service == "session"                    ? at.session
         : service == "presence"                 ? at.presence
         : service == "user" && !at.user.empty() ? at.user
         : may_be_several(service)               ? at.auth
         : service == "notification"             ? at.notification
         : service == "message"                  ? at.message
         : service == "group"                    ? at.group
                                                 : none;
}

namespace {

/// The lines of a section that names processes by number; `what` they are.
Result<std::vector<std::pair<std::uint64_t, std::string>>> numbered(
    const std::map<std::string, std::string>& lines, std::string_view section,
    std::string_view what) {
  std::vector<std::pair<std::uint64_t, std::string>> out;
  for (const auto& [key, address] : lines) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id == 0)
      return fail(Code::invalid_argument,
                  fmt::format("[{}] {} is not the number of a {}: 1 or more", section, key, what));
    if (auto good = parse_address(address); !good) return std::unexpected(good.error());
    out.emplace_back(id, address);
  }
  return out;
}

}  // namespace

Result<std::vector<std::pair<std::uint64_t, std::string>>> messages_of(const Config& config) {
  return numbered(config.messages, "messages", "message process");
}

Result<std::vector<std::pair<GatewayId, std::string>>> gateways_of(const Config& config) {
  PARLEY_TRY(lines, numbered(config.gateways, "gateways", "gateway"));
  std::vector<std::pair<GatewayId, std::string>> out;
  for (auto& [id, address] : lines) out.emplace_back(GatewayId(id), std::move(address));
  return out;
}

namespace {

std::unexpected<Error> wrong(std::string what) {
  return fail(Code::invalid_argument, std::move(what));
}

/// Of auth or user: `here` it runs.
Result<void> check_replicas(const Config& config, const std::string& service, bool here) {
  const auto setting = service == "user" && !config.services.user.empty() ? "user" : "auth";
  const auto [kind, addresses] = replicas_of(config, service);
  if (kind.empty() && addresses.empty())
    return no_address(service, fmt::format("[services] {} = \"127.0.0.1:7101\"", service));
  if (!kind.empty() && !config.many_logs())
    return wrong(
        fmt::format("services.{} = \"zookeeper\" and zookeeper.addresses is not set: say "
                    "there where ZooKeeper is, or name the addresses of the processes",
                    setting));
  for (const auto& address : addresses) PARLEY_TRY_VOID(parse_address(address));
  if (!here) return {};
  const bool several = addresses.size() != 1;
  if (several && config.mysql.address.empty())
    return wrong(
        fmt::format("services.{} says that there are several processes, which share "
                    "accounts in MySQL: set mysql.address, or name one address",
                    setting));
  const auto& listen = config.services.listen;
  if (several && listen.empty())
    return wrong(
        fmt::format("services.listen is needed: services.{} says that there are several "
                    "processes, and not at which address this one is",
                    setting));
  if (listen.empty()) return {};
  PARLEY_TRY(at, parse_address(listen));
  if (boost::asio::ip::make_address(at.host).is_unspecified() || at.port == 0)
    return wrong(
        fmt::format("services.listen = \"{}\" is no address at which other processes find "
                    "this one: name one of this machine, with a port",
                    listen));
  if (addresses.size() > 1 && std::ranges::find(addresses, listen) == addresses.end())
    return wrong(
        fmt::format("services.listen = \"{}\" is none of the addresses under services.{}: "
                    "others would not find this process",
                    listen, setting));
  // Those who listen elsewhere than where they are found are behind a balancer.
  const bool alone = addresses.size() == 1 && addresses.front() == listen;
  if (!alone && config.redis.address.empty())
    return wrong(
        "redis.address is not set: several auth and user processes share in Redis what of profiles "
        "they remember and how often a sign-in failed");
  return {};
}

/// Gateways of a cluster tell clients of each other.
Result<void> check_url(const Config& config) {
  if (!config.many_logs() || !config.discovery.advertised_url.empty()) return {};
  PARLEY_TRY(listen, parse_address(config.server.listen));
  if (!boost::asio::ip::make_address(listen.host).is_unspecified()) return {};
  return fail(Code::invalid_argument,
              fmt::format("gateway.advertised_url is needed: the other gateways tell clients where "
                          "this one is, and server.listen = \"{}\" does not say it",
                          config.server.listen));
}

}  // namespace

Result<void> check_addresses(const Config& config, const Targets& targets) {
  if (targets.all || targets.names.contains("gateway")) PARLEY_TRY_VOID(check_url(config));
  if (targets.all) return {};
  PARLEY_TRY(gateways, gateways_of(config));
  for (const auto& row : services()) {
    if (!targets.names.contains(row.name)) continue;
    auto wanted = split(row.needs, ' ');
    wanted.emplace_back(row.name);
    for (const auto& name : wanted) {
      if (name == "gateway") continue;
      if (name == "message" && config.many_logs()) {
        if (auto good = messages_of(config); !good) return std::unexpected(good.error());
        if (row.name == "message" && address_of(config, name).empty())
          return no_address(fmt::format("message process {}", config.message_id),
                            fmt::format("[messages] {} = \"127.0.0.1:7301\"", config.message_id));
        continue;
      }
      if (may_be_several(name)) {
        PARLEY_TRY_VOID(check_replicas(config, name, targets.names.contains(name)));
        continue;
      }
      const auto& address = address_of(config, name);
      if (address.empty())
        return no_address(name, fmt::format("[services] {} = \"127.0.0.1:7101\"", name));
      if (auto good = parse_address(address); !good) return std::unexpected(good.error());
    }
    if (row.name == "gateway" &&
        std::ranges::find(gateways, GatewayId(config.gateway_id),
                          [](const auto& gateway) { return gateway.first; }) == gateways.end())
      return no_address(fmt::format("gateway {}", config.gateway_id),
                        fmt::format("[gateways] {} = \"127.0.0.1:7201\"", config.gateway_id));
  }
  return {};
}

}  // namespace parley::app
