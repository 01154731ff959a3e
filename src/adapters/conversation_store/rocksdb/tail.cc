#include "adapters/conversation_store/rocksdb/tail.h"

#include <algorithm>

#include "base/check.h"

namespace parley {
namespace {

std::size_t mix(std::size_t x) {
  x ^= x >> 32;
  x *= 0xe9846af9b1a615dULL;
  x ^= x >> 32;
  x *= 0xe9846af9b1a615dULL;
  return x ^ x >> 28;
}
std::size_t hash_of(const ConversationId& conversation, UserId user) {
  return mix(mix(mix(conversation.first()) + conversation.second()) + user.value +
             static_cast<std::size_t>(conversation.kind()));
}
std::size_t hash_of(const ConversationId& conversation, UserId sender, std::string_view id) {
  return mix(hash_of(conversation, sender) + std::hash<std::string_view>{}(id));
}

}  // namespace

bool Tail::SameSent::operator()(const SentSlot& a, const SentSlot& b) const {
  return a.hash == b.hash && (*this)(SentKey{a.hash, a.entry->conversation, a.entry->sender,
                                             a.entry->client_message_id},
                                     b);
}
bool Tail::SameSent::operator()(const SentKey& key, const SentSlot& slot) const {
  const auto& entry = *slot.entry;
  return key.hash == slot.hash && entry.sender == key.sender &&
         entry.conversation == key.conversation && entry.client_message_id == key.id;
}
bool Tail::SameParticipant::operator()(const ParticipantKey& key,
                                       const ParticipantSlot& slot) const {
  const auto& participant = (*all)[slot.place];
  return key.hash == slot.hash && participant.user == key.user &&
         participant.conversation == key.conversation;
}

void Tail::append(const Append& append, TimeMs now) {
  for (const auto& entry : append.entries) add(append, entry);
  for (const auto& change : append.marks) {
    auto& participant = participant_to_change(change.conversation, change.user);
    participant.marks.merge(change.marks);
    participant.has_marks = true;
  }
  if (append.inboxes.empty()) return;
  const TimeMs changed = append.entries.empty() ? now : append.entries.back()->time;
  // Marks alone leave a row's head as it is: zero, which merges to nothing.
  const Seq head = append.entries.empty() ? Seq() : append.entries.back()->seq;
  for (const auto user : append.inboxes) {
    auto& participant = participant_to_change(append.conversation, user);
    participant.changed = std::max(participant.changed, changed);
    participant.head = std::max(participant.head, head);
    participant.has_inbox = true;
    participant.wide = participant.wide || append.wide;
  }
}

void Tail::add(const Append& append, const EntryPtr& entry) {
  PARLEY_CHECK(entry->conversation == append.conversation, "an entry of another conversation");
  PARLEY_CHECK(entry->seq.value != 0, "entries are numbered from 1");
  auto& of = conversations_[append.conversation];
  if (of.entries.empty())
    of.first = entry->seq;
  else
    PARLEY_CHECK(entry->seq.value == of.first.value + of.entries.size(),
                 "entries are numbered densely from the head");
  of.entries.push_back(static_cast<std::uint32_t>(entries_.size()));
  entries_.push_back(entry);
  if (!entry->client_message_id.empty())
    sent_.insert(
        {hash_of(append.conversation, entry->sender, entry->client_message_id), entry.get()});
}

Tail::Participant& Tail::participant_to_change(const ConversationId& conversation, UserId user) {
  const auto hash = hash_of(conversation, user);
  const auto found = participant_places_.find(ParticipantKey{hash, conversation, user});
  if (found != participant_places_.end()) return participants_[found->place];
  const auto place = static_cast<std::uint32_t>(participants_.size());
  const auto [first, fresh] = users_.try_emplace(user, kNone);
  participants_.push_back({conversation, user, {}, {}, {}, first->second});
  first->second = place;
  participant_places_.insert({hash, place});
  if (!conversation.is_direct()) groups_[conversation].emplace(user, place);
  return participants_.back();
}

const Tail::Participant* Tail::participant(const ConversationId& conversation, UserId user) const {
  const auto found =
      participant_places_.find(ParticipantKey{hash_of(conversation, user), conversation, user});
  return found == participant_places_.end() ? nullptr : &participants_[found->place];
}

const Tail::Conversation* Tail::conversation(const ConversationId& id) const {
  const auto found = conversations_.find(id);
  return found == conversations_.end() ? nullptr : &found->second;
}

Head Tail::head(const Conversation& of) const { return head_after(*entries_[of.entries.back()]); }

const Entry* Tail::find(const ConversationId& conversation, UserId sender,
                        std::string_view client_message_id) const {
  const auto found = sent_.find(SentKey{hash_of(conversation, sender, client_message_id),
                                        conversation, sender, client_message_id});
  return found == sent_.end() ? nullptr : found->entry;
}

}  // namespace parley
