#include "services/message/conversation_state.h"

#include <utility>

namespace parley::message {

ConversationCache::~ConversationCache() {
  recent_.clear_and_dispose([this](ConversationState* state) { memory().delete_object(state); });
}

ConversationState& ConversationCache::touch(const ConversationId& id) {
  auto& slot = states_[id];
  if (slot == nullptr) {
    slot = memory().new_object<ConversationState>(id);
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
    if (oldest.idle()) {
      states_.erase(oldest.id);
      memory().delete_object(&oldest);
    } else {
      recent_.push_front(oldest);
    }
  }
}

}  // namespace parley::message
