#pragma once
#include <chrono>
#include <functional>
#include <string>

#include "domain/conversation_id.h"
#include "domain/entry.h"

namespace parley {

struct CassandraConversationStoreSettings {
  /// Whether the lease of that generation of the shard certainly holds at this moment, on this
  /// machine's own clock. Any thread; cheap.
  std::function<bool(ShardId, Generation)> holds;
  /// The head as the conversation's present owner tells it; may block.
  std::function<Result<Head>(const ConversationId&)> ask_owner;

  std::uint64_t bucket_entries = 10'000;  // of one partition; fixed for the life of a store
  std::chrono::seconds idempotency = std::chrono::days(31);
  std::chrono::seconds recent = std::chrono::days(8);  // how long a shard's traces are kept
  std::chrono::seconds clocks_apart{5};                // of the processes that write, at most

  // A write whose outcome is unknown is repeated after this long, and twice that each time.
  std::chrono::milliseconds repeat_after{50};
  std::chrono::milliseconds repeat_after_at_most{1'000};
};

}  // namespace parley
