#pragma once
#include <vector>

#include "base/result.h"
#include "domain/conversation_id.h"

namespace parley {

/// What is still to be done for a shard's entries, told to the process that takes it over. Same
/// object as a ConversationStore whose conversations have logs of their own. Blocking; any thread.
class ShardDuties {
 public:
  virtual ~ShardDuties() = default;
  /// Conversations of the shard that got an entry at or after `since`, each once; perhaps some that
  /// got their last one a little earlier. What was committed is among them.
  virtual Result<std::vector<ConversationId>> touched(ShardId shard, TimeMs since) = 0;
  /// Everything that follows from entries before this time is done: fanned out or given to push,
  /// and published. 0: never said.
  virtual Result<TimeMs> settled(ShardId shard) = 0;
  /// Only grows: an earlier time is ignored. Durable.
  virtual Result<void> set_settled(ShardId shard, TimeMs time) = 0;
};

}  // namespace parley
