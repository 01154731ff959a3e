#include "client/outbox.h"

#include <algorithm>
#include <chrono>

#include "client/uuid.h"

namespace parley::client {

Outcome<OutboxItem> Outbox::add(const std::string& conversation_id, const std::string& text) {
  using namespace std::chrono;
  OutboxItem item;
  item.set_conversation_id(conversation_id);
  item.set_client_message_id(new_uuid_v7());
  item.set_text(text);
  item.set_created_ms(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
  const auto stored = account_.update([&](AccountState& state) { *state.add_outbox() = item; });
  if (!stored) return std::unexpected(stored.error());
  return item;
}

Outcome<void> Outbox::remove(const std::string& client_message_id) {
  return account_.update([&](AccountState& state) {
    auto& items = *state.mutable_outbox();
    items.erase(std::remove_if(items.begin(), items.end(),
                               [&](const OutboxItem& item) {
                                 return item.client_message_id() == client_message_id;
                               }),
                items.end());
  });
}

const OutboxItem* Outbox::find(const std::string& client_message_id) const {
  for (const auto& item : items())
    if (item.client_message_id() == client_message_id) return &item;
  return nullptr;
}

}  // namespace parley::client
