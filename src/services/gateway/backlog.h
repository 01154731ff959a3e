#pragma once
#include <optional>
#include <vector>

#include "api/message.h"
#include "domain/limits.h"

namespace parley::gateway {

/// Entries [from, to] of a conversation that are not replayed, and are to be fetched as history.
struct MissedStretch {
  Seq from, to;
};

/// Where a backlog goes. A call that answers false ends the reading.
class BacklogSink {
 public:
  virtual ~BacklogSink() = default;
  virtual Awaitable<bool> conversation(ConversationView view, std::optional<MissedStretch> gap) = 0;
  virtual Awaitable<bool> entries(std::vector<EntryPtr> page) = 0;
};

struct BacklogEnd {
  Cursor cursor;
  std::uint32_t entries = 0;
  bool complete = true;  // false: the sink ended it
};

/// What changed for the user since the cursor, conversation by conversation, the oldest change
/// first: the conversation, the gap that it leaves (never a silent one), and its newest entries.
/// The limits on all entries are spent on the newest changes first.
Awaitable<Result<BacklogEnd>> read_backlog(MessageApi& messages, UserId user, Cursor since,
                                           const Limits& limits, BacklogSink& sink);

}  // namespace parley::gateway
