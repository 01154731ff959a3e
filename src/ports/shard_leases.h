#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/lease.h"
#include "base/result.h"

namespace parley {

/// A shard that this process owns, from now until it is released or its lease ends.
struct ShardGrant {
  ShardId shard;
  Generation generation;               // above every one that was given for this shard before
  std::shared_ptr<const Lease> lease;  // of the session; one for all that it holds
};

/// Who owns a shard, as last read.
struct ShardOwner {
  std::string process;    // empty: nobody, it was released or never owned
  Generation generation;  // the last one given
  /// How long until another may take it: 0 now; absent while the owner's session lives.
  std::optional<std::chrono::milliseconds> free_in;

  bool free() const { return free_in && free_in->count() == 0; }
  bool operator==(const ShardOwner&) const = default;
};
using ShardOwners = std::vector<ShardOwner>;  // by shard, kShards of them

/// The right to write to shards, each held by one process at a time. Blocking; any thread but a
/// callback's.
///
/// Promised: a grant's generation is greater than every one given for its shard before, also after
/// all processes and the coordinator were restarted (as long as the coordinator keeps its data; a
/// store must refuse a generation that is below what it finds written). And when `acquire` returns
/// a shard, no grant given for it before certainly holds any more: its owner released it, or the
/// owner's lease ran out, on the owner's own clock, before.
class ShardLeases {
 public:
  using Changed = std::function<void(const ShardOwners& owners)>;

  virtual ~ShardLeases() = default;
  /// Takes those of the shards that are free, or this process's own (which gives a new generation),
  /// and leaves the others out. Error (`unavailable`): not known whether it took effect; call
  /// again, which gives newer generations, or `release`.
  virtual Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) = 0;
  /// Gives shards up, so that others may have them at once: the caller has stopped using them.
  /// Those that this process does not own are left alone. Error (`unavailable`): call again.
  virtual Result<void> release(std::span<const ShardId> shards) = 0;
  virtual Result<ShardOwners> owners() = 0;
  /// As Membership::watch. Also called when a vanished owner is noticed (`free_in` starts to run);
  /// not when `free_in` has run out, which the caller can compute.
  virtual void watch(Changed changed) = 0;
};

}  // namespace parley
