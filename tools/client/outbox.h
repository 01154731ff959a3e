#pragma once
#include <client/state.pb.h>
#include <optional>
#include <string>

#include "client/account.h"

namespace parley::client {

/// The sends of this account that have no answer yet, in the account's state file: what is in it
/// survives a crash and is sent again under the same key, so it is neither lost nor doubled. One
/// thread; several processes may share it.
class Outbox {
 public:
  explicit Outbox(Account& account) : account_(account) {}

  /// Durable when it returns, under a new UUIDv7.
  Outcome<OutboxItem> add(const std::string& conversation_id, const std::string& text);
  /// It has its answer.
  Outcome<void> remove(const std::string& client_message_id);

  const google::protobuf::RepeatedPtrField<OutboxItem>& items() const {
    return account_.state().outbox();
  }
  const OutboxItem* find(const std::string& client_message_id) const;

 private:
  Account& account_;
};

}  // namespace parley::client
