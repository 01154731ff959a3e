#pragma once
#include <memory>
#include <string>

#include "base/ids.h"
#include "domain/conversation_id.h"

namespace parley {

enum class EntryKind : std::uint8_t { message = 1 };

/// One record of a conversation's log. Immutable once appended.
struct Entry {
  ConversationId conversation;
  Seq seq;
  MessageId id;
  UserId sender;
  DeviceId device;
  TimeMs time;
  std::string client_message_id;  // empty: none
  std::string body;               // the validated bytes of parley.v1.Body
  std::uint64_t countable = 0;    // countable messages of the conversation up to and with this one
  EntryKind kind = EntryKind::message;

  bool operator==(const Entry&) const = default;
};
using EntryPtr = std::shared_ptr<const Entry>;

/// The end of a conversation's log. All zero: no entries.
struct Head {
  Seq seq;
  MessageId id;
  TimeMs time;
  std::uint64_t countable = 0;

  bool operator==(const Head&) const = default;
};

}  // namespace parley
