#pragma once
#include "api/message.h"
#include "api/presence.h"
#include "domain/limits.h"
#include "parley/v1/frames.pb.h"

// What services say, in the client protocol's words.
namespace parley::gateway {

void to_proto(const Error& error, v1::Error& out);
void to_proto(const ConversationView& view, v1::Conversation& out);
void to_proto(const HistoryPage& page, const ConversationId& conversation, v1::History& out);
void to_proto(const Limits& limits, v1::Limits& out);
void to_proto(const PresenceView& view, v1::PresenceNotice& out);

/// About what an entry takes in memory, and less than half of what it takes on the wire at most.
std::size_t size_of(const Entry& entry);

/// Drops entries from the far end until their bodies are within `max_bytes` (one entry is always
/// kept), and says so in `more_before` and `more_after`: nothing is skipped.
void trim(HistoryPage& page, const HistoryQuery& query, std::size_t max_bytes);

}  // namespace parley::gateway
