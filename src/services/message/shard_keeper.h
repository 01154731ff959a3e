#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "ports/coordination.h"

namespace parley::message {

/// Sees to it that this process owns the shards that it should: its even share among the members of
/// its kind. Takes what is free and its own, yields what another should have, and says what was
/// lost. Which of them may be *used* is for the grant's lease to say, not for these calls.
///
/// A thread of its own, which also makes the callbacks, one at a time: they must return soon.
class ShardKeeper {
 public:
  struct Settings {
    std::string kind = "message";      // of the members that share the shards
    std::string process;               // this one's id among them, and its coordination's
    std::size_t yielded_at_once = 64;  // so that few wait while they change hands
  };
  struct Callbacks {
    /// Owned from now on, with an empty memory: what this process knew of them before is void.
    std::function<void(std::vector<ShardGrant> grants)> gained;
    /// To be handed over: take nothing new for them, finish what is in flight, then call `done`,
    /// once, from any thread; they are released then. The lease may end before: then `lost` says so
    /// as well, and `done` changes nothing.
    std::function<void(std::vector<ShardId> shards, std::function<void()> done)> yield;
    /// The session that held them is over.
    std::function<void(std::vector<ShardId> shards)> lost;
  };

  /// `coordination` outlives it.
  ShardKeeper(Coordination& coordination, Settings settings, Callbacks callbacks);
  /// Stops without yielding. A `done` may still be called afterwards.
  ~ShardKeeper();
  ShardKeeper(const ShardKeeper&) = delete;

  /// Once, before anything else. This process's member is listed by the caller: until it is,
  /// nothing is taken, and nothing yielded.
  void start();

  /// Yields a shard whose generation is over, so that it is taken anew, under another. Nothing
  /// happens if it is not held under that one any more. Any thread.
  void give_up(ShardId shard, Generation generation);

  /// Yields everything and takes nothing more; true when all was released within `limit`. For a
  /// planned end: leave the list of members first, so that others take what is released.
  bool drain(std::chrono::milliseconds limit);

 private:
  /// What `done` and the coordination's callbacks reach, also when the keeper is gone.
  struct Shared {
    std::mutex mutex;
    std::condition_variable wake;
    bool changed = true;
    bool stopping = false;
    bool draining = false;
    bool empty = false;  // nothing is held
    std::optional<std::vector<Member>> members;
    std::vector<std::pair<ShardId, Generation>> done;
    std::vector<std::pair<ShardId, Generation>> given_up;
  };
  struct Held {
    ShardGrant grant;
    bool yielding = false;
    bool over = false;  // given up
  };

  void run();
  /// One look at what is and what should be. Answers when to look again if nothing changes.
  Result<std::optional<std::chrono::milliseconds>> look();
  void drop_lost();
  Result<void> release_done();
  void yield(std::vector<ShardId> shards);

  Coordination& coordination_;
  const Settings settings_;
  const Callbacks callbacks_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::map<ShardId, Held> held_;                            // the thread's
  std::vector<std::pair<ShardId, Generation>> to_release_;  // likewise: yielded, not yet released
  std::thread thread_;
};

}  // namespace parley::message
