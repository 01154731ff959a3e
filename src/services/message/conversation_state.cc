#include "services/message/conversation_state.h"

#include <utility>

namespace parley::message {

ConversationState& ConversationCache::touch(const ConversationId& id) {
  auto& slot = states_[id];
  if (!slot) {
    slot = std::make_unique<ConversationState>(id);
    ++made_;
  } else {
    recent_.erase(recent_.iterator_to(*slot));
  }
  recent_.push_front(*slot);
  return *slot;
}

void ConversationCache::evict() {
  // Busy states are passed over by moving them to the front.
  for (auto looks = std::exchange(made_, 0) + kLooks; is_over() && looks > 0; --looks) {
    auto& oldest = recent_.back();
    recent_.pop_back();
    if (oldest.idle())
      states_.erase(oldest.id);
    else
      recent_.push_front(oldest);
  }
}

}  // namespace parley::message
