#include "app/cluster.h"

#include <fmt/format.h>
#include <limits>
#include <thread>

#include "adapters/coordination/zookeeper/coordination.h"
#include "base/log.h"

namespace parley::app {
namespace {

constexpr std::chrono::seconds kClocksApart{5};
constexpr std::chrono::seconds kHandOver{8};

}  // namespace

std::string message_process(std::uint64_t id) { return fmt::format("message-{}", id); }

Cluster::Cluster(std::unique_ptr<Coordination> coordination, const Config& config,
                 std::string process, Metrics& metrics)
    : process_(std::move(process)),
      addresses_(config.zookeeper.addresses),
      lease_(config.zookeeper.lease),
      listed_after_(2 * config.zookeeper.session_timeout),
      registry_(metrics),
      metrics_{metrics.gauge("parley_shards_served",
                             "Those of them whose conversations this process serves"),
               metrics.counter("parley_shards_gained_total", "Shards that this process took"),
               metrics.counter("parley_shards_lost_total", "Shards that it had, and has no more",
                               {{"how", "handed_over"}}),
               metrics.counter("parley_shards_lost_total", "Shards that it had, and has no more",
                               {{"how", "lease_ended"}}),
               metrics.histogram("parley_shard_take_over_seconds",
                                 "From taking a shard to serving its conversations")},
      coordination_(std::move(coordination)) {
  coordination_->listen([this](SessionEvent event) {
    reached_ = event == SessionEvent::opened || event == SessionEvent::renewed;
    if (event == SessionEvent::lost) numbers_lost_ = true;
  });
}

Result<std::unique_ptr<Cluster>> Cluster::open(const Config& config, const std::string& process,
                                               Metrics& metrics) {
  coordination::ZookeeperSettings settings;
  settings.addresses = config.zookeeper.addresses;
  settings.prefix = config.zookeeper.prefix;
  settings.process = process;
  settings.session_timeout = config.zookeeper.session_timeout;
  settings.lease = config.zookeeper.lease;
  settings.keep_trying = true;
  PARLEY_TRY(coordination, coordination::ZookeeperCoordination::open(std::move(settings)));
  return std::unique_ptr<Cluster>(new Cluster(std::move(coordination), config, process, metrics));
}

Result<void> Cluster::reached(std::chrono::milliseconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!reached_ && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (reached_) return {};
  return fail(Code::unavailable, "this process's session is not answered: is it running there?");
}

Result<void> Cluster::check_clock(const Clock& clock) {
  PARLEY_TRY_VOID(reached(std::chrono::seconds(1)));  // a session takes a moment to open
  PARLEY_TRY(ahead, clock_ahead(*coordination_, clock));
  if (std::chrono::abs(ahead) > kClocksApart)
    return fail(Code::unsupported,
                fmt::format("the clock of this machine is {:.1f} s {} that of ZooKeeper at {}: set "
                            "it right, 5 s are the most that is tolerated",
                            std::abs(static_cast<double>(ahead.count())) / 1e3,
                            ahead.count() > 0 ? "ahead of" : "behind", addresses_));
  return {};
}

bool Cluster::holds(ShardId shard, Generation generation) const {
  const std::shared_lock lock(mutex_);
  const auto& grant = grants_[shard.value];
  return grant.lease && grant.generation == generation && grant.lease->certainly_holds();
}

Result<std::vector<std::uint32_t>> Cluster::node_numbers(std::size_t count) {
  std::vector<std::uint32_t> numbers;
  numbers_lost_ = false;  // before: they may be lost while they are claimed
  for (std::size_t i = 0; i < count; ++i) {
    PARLEY_TRY(claimed, coordination_->node_numbers().claim({}));
    numbers.push_back(claimed.number);
  }
  numbers_ = count;
  return numbers;
}

/// Those of a session that is over may be another process's by now.
Result<void> Cluster::number_again() {
  if (!numbers_lost_) return {};
  auto claimed = node_numbers(numbers_);
  if (!claimed) {
    numbers_lost_ = true;
    return std::unexpected(claimed.error());
  }
  messages_->use_nodes(*claimed);
  return {};
}

void Cluster::route(rpc::MessageRouter& router,
                    std::function<void(const std::string& process)> listed) {
  coordination_->membership().watch(kMessageKind,
                                    [listed = std::move(listed)](const auto& members) {
                                      for (const Member& member : members) listed(member.id);
                                    });
  // Who does not look has nothing to say: alerts go by the least that is seen.
  auto& owned = registry_.gauge("parley_shards_owned",
                                fmt::format("Shards that a live process owns, of {}", kShards));
  coordination_->shards().watch([&owned, &router](const ShardOwners& owners) {
    std::vector<std::string> names;
    for (const auto& owner : owners) names.push_back(owner.process);
    router.set_owners(std::move(names));
    owned.set(std::ranges::count_if(
        owners, [](const ShardOwner& owner) { return !owner.free_in.has_value(); }));
  });
}

Result<void> Cluster::serve(message::MessageService& messages, const std::string& address,
                            const std::string& admin, const std::stop_token& stop) {
  messages_ = &messages;
  std::optional<std::chrono::steady_clock::time_point> refused;  // since when the name is taken
  std::string told;
  for (;;) {
    auto joined = coordination_->membership().join(
        {kMessageKind, process_, address, fmt::format("admin={}\n", admin)});
    if (joined) break;
    const auto& error = joined.error();
    const auto now = std::chrono::steady_clock::now();
    if (error.code == Code::already_exists) {
      if (!refused) refused = now;
      if (now - *refused > listed_after_)
        return fail(Code::already_exists,
                    fmt::format("{}: give this one another number by --message-id", error.message));
    } else if (error.code != Code::unavailable) {
      return joined;
    }
    if (stop.stop_requested()) return joined;
    if (std::exchange(told, error.message) != error.message)
      log::warn("cluster", "event=waits process={} reason=\"{}\"", process_, error.message);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  keeper_ = std::make_unique<message::ShardKeeper>(
      *coordination_, message::ShardKeeper::Settings{.kind = kMessageKind, .process = process_},
      message::ShardKeeper::Callbacks{
          .gained = [this](auto grants) { gained(grants); },
          .yield = [this](auto shards, auto done) { yield(shards, std::move(done)); },
          .lost = [this](auto shards) { lost(shards); }});
  keeper_->start();
  return {};
}

void Cluster::gained(const std::vector<ShardGrant>& grants) {
  while (!grants.front().lease->ended()) {
    const auto numbered = number_again();
    if (numbered) break;
    log::warn("cluster", "event=no_numbers reason=\"{}\"", numbered.error().message);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  for (const auto& grant : grants) {
    const std::lock_guard lock(mutex_);
    replace(grants_[grant.shard.value],
            {grant.generation, grant.lease, std::chrono::steady_clock::now()});
  }
  metrics_.gained.add(static_cast<std::int64_t>(grants.size()));
  messages_->gain(grants, [this](const ShardGrant& grant) { served(grant); });
  log::info("cluster", "event=gained shards={}", grants.size());
}

/// What is in flight ends while the lease still holds.
void Cluster::yield(const std::vector<ShardId>& shards, std::function<void()> done) {
  std::vector<std::pair<ShardId, Generation>> yielded;
  for (const auto shard : shards) yielded.emplace_back(shard, generation_of(shard));
  metrics_.yielded.add(static_cast<std::int64_t>(shards.size()));
  messages_->lose(shards, [this, yielded, done = std::move(done)] {
    for (const auto& [shard, generation] : yielded) forget(shard, generation);
    done();
  });
}

void Cluster::lost(const std::vector<ShardId>& shards) {
  log::warn("cluster", "event=lost shards={}", shards.size());
  metrics_.lost.add(static_cast<std::int64_t>(shards.size()));
  for (const auto shard : shards) forget(shard, generation_of(shard));
  messages_->lose(shards, [] {});
}

Generation Cluster::generation_of(ShardId shard) const {
  const std::shared_lock lock(mutex_);
  return grants_[shard.value].generation;
}

void Cluster::served(const ShardGrant& granted) {
  const std::lock_guard lock(mutex_);
  auto& grant = grants_[granted.shard.value];
  if (!grant.lease || grant.generation != granted.generation || grant.served) return;
  grant.served = true;
  metrics_.take_over.observe(std::chrono::steady_clock::now() - grant.since);
  metrics_.served.add();
}

/// A commit may settle after its session was lost and the shard gained anew: that grant stays.
void Cluster::forget(ShardId shard, Generation generation) {
  const std::lock_guard lock(mutex_);
  auto& present = grants_[shard.value];
  if (present.generation == generation) replace(present, {});
}

/// The caller has the mutex.
void Cluster::replace(Grant& present, Grant grant) {
  if (present.served) metrics_.served.add(-1);
  present = std::move(grant);
}

void Cluster::give_up(ShardId shard, Generation generation) { keeper_->give_up(shard, generation); }

Cluster::LeaseTimes Cluster::lease_times() const {
  const std::shared_lock lock(mutex_);
  const auto held = std::ranges::find_if(
      grants_, [](const Grant& grant) { return grant.lease && !grant.lease->ended(); });
  if (held == grants_.end())
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  const auto left =
      std::chrono::duration<double>(held->lease->until() - BootClock().mono()).count();
  return {std::chrono::duration<double>(lease_).count() - left, left};
}

void Cluster::leave() {
  if (!keeper_) return;
  if (auto left = coordination_->membership().leave(kMessageKind, process_); !left)
    log::warn("cluster", "event=not_left reason=\"{}\"", left.error().message);
  if (!keeper_->drain(kHandOver))
    log::warn("cluster", "event=not_handed_over: others take the rest when its lease has ended");
}

void Cluster::close() {
  keeper_.reset();
  coordination_.reset();
}

}  // namespace parley::app
