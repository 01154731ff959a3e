#include "services/message/conversation_state.h"

#include <algorithm>
#include <utility>

namespace parley::message {
namespace {
constexpr std::size_t kFew = 8;  // members that are looked through
}

Member* ConversationState::member(UserId user) {
  if (places_) {
    const auto at = places_->find(user);
    return at == places_->end() ? nullptr : &members[at->second];
  }
  for (auto& m : members)
    if (m.user == user) return &m;
  return nullptr;
}

Member& ConversationState::add(UserId user, const Marks& at) {
  if (auto* known = member(user)) {
    known->marks.merge(at);
    return *known;
  }
  Member fresh;
  fresh.user = user;
  fresh.marks = fresh.told = at;
  members.push_back(std::move(fresh));
  if (!places_ && members.size() > kFew) {
    places_ = std::make_unique<boost::unordered_flat_map<UserId, std::size_t, std::hash<UserId>>>();
    for (std::size_t i = 0; i < members.size(); ++i) places_->emplace(members[i].user, i);
  } else if (places_) {
    places_->emplace(user, members.size() - 1);
  }
  return members.back();
}

bool ConversationState::is_new(UserId sender, std::string_view client_message_id) {
  const auto key = uuid_v7(client_message_id);
  if (!key) return false;
  const auto* known = member(sender);
  if (known && known->newest_key != Uuid{}) return *key > known->newest_key;
  return *key > (tail.empty() ? head.newest_key : tail.back()->newest_key);
}

void ConversationState::note_key(UserId sender, std::string_view client_message_id) {
  const auto key = uuid_v7(client_message_id);
  auto* known = member(sender);
  if (!key || !known) return;
  // At first whatever anybody sent before: this user's own is among it.
  const auto before = known->newest_key == Uuid{} ? head.newest_key : known->newest_key;
  known->newest_key = std::max(before, *key);
}

ConversationCache::~ConversationCache() {
  recent_.clear_and_dispose([](ConversationState* state) { delete state; });
}

ConversationState& ConversationCache::touch(const ConversationId& id) {
  auto& slot = states_[id];
  if (slot == nullptr) {
    slot = new ConversationState(id);
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
      delete &oldest;
    } else {
      recent_.push_front(oldest);
    }
  }
  // The table grew with what was busy at once, and does not shrink by itself.
  if (states_.bucket_count() > 8 * std::max(states_.size(), capacity_)) states_.rehash(0);
}

}  // namespace parley::message
