#pragma once
#include <memory>
#include <string>

#include "base/ids.h"
#include "domain/conversation_id.h"
#include "domain/group_change.h"
#include "domain/uuid.h"

namespace parley {

enum class EntryKind : std::uint8_t { message = 1, group_change = 2 };

/// One record of a conversation's log. Immutable once appended.
struct Entry {
  ConversationId conversation;
  Seq seq;
  MessageId id;
  UserId sender;
  DeviceId device;
  TimeMs time;
  std::string client_message_id;  // empty: none
  std::string body;               // of a message: the validated bytes of parley.v1.Body
  std::uint64_t countable = 0;    // countable messages of the conversation up to and with this one
  EntryKind kind = EntryKind::message;
  GroupState group = {};  // after this entry; a direct conversation has none
  // The greatest client_message_id of version 7 up to and with this entry: no greater one was used
  // before. All zero: there was none. `Uuid::greatest()`: not known.
  Uuid newest_key = {};
  std::shared_ptr<const GroupChange> change = {};  // of a group_change; never null there

  bool operator==(const Entry& other) const {
    const auto same_change = [](const auto& a, const auto& b) {
      return a == b || (a && b && *a == *b);
    };
    return conversation == other.conversation && seq == other.seq && id == other.id &&
           sender == other.sender && device == other.device && time == other.time &&
           client_message_id == other.client_message_id && body == other.body &&
           countable == other.countable && kind == other.kind && group == other.group &&
           newest_key == other.newest_key && same_change(change, other.change);
  }
};
using EntryPtr = std::shared_ptr<const Entry>;

/// The end of a conversation's log. All zero: no entries.
struct Head {
  Seq seq;
  MessageId id;
  TimeMs time;
  std::uint64_t countable = 0;
  GroupState group = {};
  Uuid newest_key = {};

  bool operator==(const Head&) const = default;
};

/// The head of a log that ends with this entry.
inline Head head_after(const Entry& last) {
  return {last.seq, last.id, last.time, last.countable, last.group, last.newest_key};
}

}  // namespace parley
