#pragma once
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/conversation_id.h"

namespace parley {

struct ShardTime {
  ShardId shard;
  TimeMs time;
};

/// What is still to be done for shards' entries, told to the process that takes them over. Same
/// object as a ConversationStore whose conversations have logs of their own. Each call is about as
/// many shards as change hands together, in a few round trips. Blocking; any thread.
class ShardDuties {
 public:
  virtual ~ShardDuties() = default;
  /// Conversations of the shards that got an entry at or after the time beside the shard, each
  /// once; perhaps some that got their last one a little earlier. What was committed is among them.
  virtual Result<std::vector<ConversationId>> touched(std::span<const ShardTime> since) = 0;
  /// Everything that follows from entries before this time is done: fanned out or given to push,
  /// and published. 0: never said. In the order of `shards`.
  virtual Result<std::vector<TimeMs>> settled(std::span<const ShardId> shards) = 0;
  /// Only grows: an earlier time is ignored. Durable. After an error it holds of some of them.
  virtual Result<void> set_settled(std::span<const ShardId> shards, TimeMs time) = 0;
};

}  // namespace parley
