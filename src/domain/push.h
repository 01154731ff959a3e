#pragma once
#include "domain/conversation_id.h"

namespace parley {

/// Somebody must be told that there is something to read: no device confirmed it in time.
struct Push {
  UserId user;
  ConversationId conversation;
  Seq seq;  // the entry that went unconfirmed
  TimeMs decided;

  bool operator==(const Push&) const = default;
};

}  // namespace parley
