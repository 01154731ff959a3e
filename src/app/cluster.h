#pragma once
#include <array>
#include <memory>
#include <shared_mutex>
#include <stop_token>

#include "app/config.h"
#include "base/metrics.h"
#include "ports/coordination.h"
#include "rpc/message_router.h"
#include "services/message/message_service.h"
#include "services/message/shard_keeper.h"

namespace parley::app {

/// A process's place in a cluster: its session with ZooKeeper and, of a message process, the shards
/// that it owns. Errors are one sentence for the person who starts the process.
class Cluster {
 public:
  /// `process`: what this one is called there. Succeeds also when ZooKeeper does not answer yet.
  static Result<std::unique_ptr<Cluster>> open(const Config& config, const std::string& process,
                                               Metrics& metrics);
  /// `unavailable`: there is no session, or it was not renewed in time, nor comes to be within
  /// `patience`. Blocks; any thread.
  Result<void> reached(std::chrono::milliseconds patience) const;
  /// `unsupported`: the clock is more than 5 s off ZooKeeper's, and by how much. Blocks.
  Result<void> check_clock(const Clock& clock);

  /// Whether this generation of the shard certainly is this process's now. Any thread.
  bool holds(ShardId shard, Generation generation) const;
  /// Who is there. Until `close`.
  Membership& membership() { return coordination_->membership(); }

  /// So many numbers for Snowflakes, which no other process has while this one's session lives.
  Result<std::vector<std::uint32_t>> node_numbers(std::size_t count);
  /// From now on the router, which outlives this, is told who owns what, and `listed` which message
  /// processes there are, whenever that changes. Both on a thread that must not be kept.
  void route(rpc::MessageRouter& router, std::function<void(const std::string& process)> listed);

  /// Takes part in sharing the shards, as the process of that name. Blocks while an earlier process
  /// of the name may still be alive, or until `stop`; `already_exists`: there is one.
  /// `admin`: where it answers operators.
  Result<void> serve(message::MessageService& messages, const std::string& address,
                     const std::string& admin, const std::stop_token& stop);
  /// That generation of the shard is over: it is taken anew. Any thread.
  void give_up(ShardId shard, Generation generation);
  /// Seconds since ZooKeeper last confirmed the lease of the shards that are held here, and until
  /// it lapses (not above 0: it has lapsed); NaN: none is held. Any thread.
  struct LeaseTimes {
    double age, left;
  };
  LeaseTimes lease_times() const;
  /// Hands everything over to others. Blocks, some seconds at most.
  void leave();
  /// Tells nobody anything from now on. Leases that were granted end.
  void close();

 private:
  struct Grant {
    Generation generation;
    std::shared_ptr<const Lease> lease;
    std::chrono::steady_clock::time_point since = {};
    bool served = false;
  };
  Cluster(std::unique_ptr<Coordination> coordination, const Config& config, std::string process,
          Metrics& metrics);
  void gained(const std::vector<ShardGrant>& grants);
  void yield(const std::vector<ShardId>& shards, std::function<void()> done);
  void lost(const std::vector<ShardId>& shards);
  Generation generation_of(ShardId shard) const;
  void served(const ShardGrant& granted);
  void forget(ShardId shard, Generation generation);
  void replace(Grant& present, Grant grant);
  Result<void> number_again();

  const std::string process_;
  const std::string addresses_;                   // of ZooKeeper, for people
  const std::chrono::milliseconds lease_;         // how long one holds when it was confirmed
  const std::chrono::milliseconds listed_after_;  // so long after its death a process may be listed
  Metrics& registry_;
  struct {
    Metric &served, &gained, &yielded, &lost;
    Histogram& take_over;
  } metrics_;
  std::atomic<bool> reached_{false};
  message::MessageService* messages_ = nullptr;
  std::size_t numbers_ = 0;                // that were claimed
  std::atomic<bool> numbers_lost_{false};  // with the session
  mutable std::shared_mutex mutex_;
  std::array<Grant, kShards> grants_;
  std::unique_ptr<Coordination> coordination_;
  std::unique_ptr<message::ShardKeeper> keeper_;
};

/// The kind of member as which a message process is listed; its attributes are a line
/// `admin=HOST:PORT`.
inline constexpr const char* kMessageKind = "message";

/// What a message process is called among others.
std::string message_process(std::uint64_t id);

}  // namespace parley::app
