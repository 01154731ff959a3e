// The servers that the configuration names.
#include <algorithm>
#include <boost/asio.hpp>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <thread>
#include <unistd.h>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/coordination/zookeeper/coordination.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/redis/client.h"
#include "adapters/stream/kafka/settings.h"
#include "app/cluster.h"
#include "app/doctor.h"
#include "app/redis.h"
#include "app/remote_stores.h"
#include "app/targets.h"
#include "services/discovery/listing.h"

namespace parley::app {
namespace {
using Level = Finding::Level;

constexpr std::chrono::seconds kPatience{5}, kClocksApart{5};

std::string bring_back(std::string_view server) {
  std::string section(server);
  std::ranges::transform(section, section.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format(
      "see whether {} runs and can be reached from here; correct what is wrong under [{}]", server,
      section);
}

/// Adapters begin with the server's name and address, too.
std::string without(std::string_view what, std::string_view says) {
  if (says.starts_with(what)) says.remove_prefix(what.size());
  says.remove_prefix(std::min(says.find_first_not_of(" ,:"), says.size()));
  return std::string(says);
}

/// The finding for a server that was asked; adapters' sentences say what to do about tables.
void tell(const char* server, const std::string& where, const Result<void>& asked, std::string good,
          Findings& out) {
  const auto what = fmt::format("{} at {}", server, where);
  if (asked)
    out.push_back({Level::ok, what, std::move(good)});
  else
    out.push_back({Level::wrong, what, without(what, asked.error().message),
                   asked.error().code == Code::unsupported
                       ? "do as it says: run `parleyd migrate`, or the newer program"
                       : bring_back(server)});
}

Result<void> ask_mysql(const Config& config) {
  PARLEY_TRY(settings, mysql_settings(config));
  for (const auto* schema : {&accounts::schema(), &groups::schema(), &push::schema()})
    if (auto opened = mysql::Database::open(settings, *schema); !opened)
      return std::unexpected(opened.error());
  return {};
}

Result<void> ask_cassandra(const Config& config) {
  PARLEY_TRY(settings, cassandra_settings(config));
  PARLEY_TRY(session, cassandra::Session::open(settings));
  PARLEY_TRY_VOID(cassandra::reach(*session));
  return cassandra::check_schema(*session);
}

Result<void> ask_redis(const Config& config) {
  PARLEY_TRY(settings, redis_settings(config));
  Loops loops(1, 1);
  redis::Client client(loops, 0, std::move(settings));
  loops.start();
  client.start();
  auto missing = client.missing();
  for (const auto end = std::chrono::steady_clock::now() + kPatience;
       missing && std::chrono::steady_clock::now() < end; missing = client.missing())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  loops.stop();
  if (missing) return fail(Code::unavailable, missing->why);
  return {};
}

void look_at_kafka(const Config& config, Findings& out) {
  stream::KafkaSettings settings;
  settings.brokers = config.kafka.addresses;
  settings.topic = config.kafka.topic;
  const auto found =
      stream::check_topic(settings, {.lanes = static_cast<std::uint32_t>(config.kafka.lanes)});
  if (found || found.error().code == Code::unavailable) {
    tell("Kafka", settings.brokers, found,
         fmt::format("answers, the topic {} has its {} partitions", settings.topic,
                     config.kafka.lanes),
         out);
    return;
  }
  out.push_back({Level::wrong, "Kafka at " + settings.brokers, found.error().message,
                 found.error().code == Code::not_found
                     ? "start the message processes: the first makes it"
                     : "set kafka.lanes to that number, or give another topic by kafka.topic"});
}

void look_at_clock(Coordination& coordination, const std::string& what, Findings& out) {
  const auto ahead = clock_ahead(coordination, SystemClock());
  if (!ahead) {
    out.push_back({Level::wrong, what, ahead.error().message, bring_back("ZooKeeper")});
    return;
  }
  const auto says = fmt::format("this machine's clock is {:.1f} s {} its clock",
                                std::abs(static_cast<double>(ahead->count())) / 1e3,
                                ahead->count() < 0 ? "behind" : "ahead of");
  if (std::chrono::abs(*ahead) > kClocksApart)
    out.push_back({Level::wrong, what, says,
                   "set the clock right (NTP): 5 s are the most that is tolerated"});
  else
    out.push_back({Level::ok, what, "answers; " + says});
}

void look_at_shards(ShardLeases& shards, Findings& out) {
  const auto owners = shards.owners();
  if (!owners) {
    out.push_back({Level::wrong, "shards", owners.error().message, bring_back("ZooKeeper")});
    return;
  }
  const auto without = std::ranges::count_if(
      *owners, [](const ShardOwner& owner) { return owner.free_in.has_value(); });
  if (without)
    out.push_back({Level::wrong, "shards",
                   fmt::format("{} of {} have no live owner: what is sent to their conversations "
                               "waits, or is refused",
                               without, kShards),
                   "start message processes; those that run take them within seconds"});
  else
    out.push_back({Level::ok, "shards", fmt::format("all {} have an owner", kShards)});
}

/// What a member's attributes say of where it answers operators.
std::string admin_of(std::string_view attributes) {
  constexpr std::string_view kName = "admin=";
  while (!attributes.empty()) {
    const auto line = attributes.substr(0, attributes.find('\n'));
    if (line.starts_with(kName)) return std::string(line.substr(kName.size()));
    attributes.remove_prefix(std::min(line.size() + 1, attributes.size()));
  }
  return {};
}

/// `configured`: how many there should be; nothing: any number.
void look_at_members(Membership& membership, const std::string& kind,
                     std::optional<std::size_t> configured, Findings& out,
                     std::vector<KnownProcess>& processes) {
  const auto what = fmt::format("{} processes", kind);
  const auto members = membership.members(kind);
  if (!members) {
    out.push_back({Level::wrong, what, members.error().message, bring_back("ZooKeeper")});
    return;
  }
  for (const auto& member : *members) {
    auto admin = admin_of(member.attributes);
    const bool named = std::ranges::find(processes, admin, &KnownProcess::admin) != processes.end();
    if (!admin.empty() && !named) processes.push_back({member.id, std::move(admin)});
  }
  const auto says = fmt::format("{} are listed in ZooKeeper{}", members->size(),
                                configured ? fmt::format(", {} are configured", *configured) : "");
  const auto todo =
      configured ? fmt::format("start those that do not run; their lines are under [{}s]", kind)
                 : "start some";
  out.push_back(members->empty() ? Finding{Level::wrong, what, says, todo}
                : configured && members->size() < *configured
                    ? Finding{Level::warning, what, says, todo}
                    : Finding{Level::ok, what, says});
}

void look_at_zookeeper(const Config& config, Findings& out, std::vector<KnownProcess>& processes) {
  coordination::ZookeeperSettings settings;
  settings.addresses = config.zookeeper.addresses;
  settings.prefix = config.zookeeper.prefix;
  settings.process = fmt::format("doctor-{}", ::getpid());
  settings.connect_timeout = kPatience;
  const auto what = "ZooKeeper at " + settings.addresses;
  auto opened = coordination::ZookeeperCoordination::open(settings);
  if (!opened) {
    out.push_back({Level::wrong, what, opened.error().message, bring_back("ZooKeeper")});
    return;
  }
  auto& zookeeper = **opened;
  look_at_clock(zookeeper, what, out);
  look_at_shards(zookeeper.shards(), out);
  look_at_members(zookeeper.membership(), kMessageKind, config.messages.size(), out, processes);
  look_at_members(zookeeper.membership(), discovery::kGatewayKind, config.gateways.size(), out,
                  processes);
  std::set<std::string> kinds{replicas_of(config, "auth").kind, replicas_of(config, "user").kind};
  kinds.erase("");
  for (const auto& kind : kinds)
    look_at_members(zookeeper.membership(), kind, std::nullopt, out, processes);
}

}  // namespace

void look_at_servers(const Config& config, Findings& out, std::vector<KnownProcess>& processes) {
  if (config.many_logs()) look_at_zookeeper(config, out, processes);
  if (!config.mysql.address.empty())
    tell("MySQL", config.mysql.address, ask_mysql(config),
         "answers, its tables are those of this version", out);
  if (!config.cassandra.addresses.empty())
    tell("Cassandra", config.cassandra.addresses, ask_cassandra(config),
         "answers, its tables are those of this version", out);
  if (config.many_logs()) look_at_kafka(config, out);
  if (!config.redis.address.empty())
    tell("Redis", config.redis.address, ask_redis(config), "answers", out);
}

}  // namespace parley::app
