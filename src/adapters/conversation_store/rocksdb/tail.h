#pragma once
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "adapters/shared/rows/rows.h"
#include "ports/conversation_store.h"

namespace parley {

/// A stretch of commits in memory: what is synced in the log and not yet in the tables. Answers
/// for exactly these; where it has nothing, the tables do. No locks of its own.
class Tail {
 public:
  /// `feed`: the position before its first entry.
  explicit Tail(std::uint64_t feed) : first_feed_(feed + 1) {}
  Tail(const Tail&) = delete;

  void append(const Append& append, TimeMs now);

  std::size_t entries() const { return entries_.size(); }
  bool empty() const { return entries_.empty() && participants_.empty(); }
  std::uint64_t first_feed() const { return first_feed_; }
  std::uint64_t last_feed() const { return first_feed_ + entries_.size() - 1; }
  const EntryPtr& feed_entry(std::uint64_t position) const {
    return entries_[position - first_feed_];
  }

  struct Conversation {
    Seq first;
    boost::container::small_vector<std::uint32_t, 2> entries;  // places in the feed
  };
  const Conversation* conversation(const ConversationId& id) const;
  const EntryPtr& entry(const Conversation& of, Seq seq) const {
    return entries_[of.entries[seq.value - of.first.value]];
  }
  Head head(const Conversation& of) const;
  const Entry* find(const ConversationId& conversation, UserId sender,
                    std::string_view client_message_id) const;

  /// What is known of one user in one conversation.
  struct Participant {
    ConversationId conversation;
    UserId user;
    Marks marks;
    TimeMs changed;  // of the inbox row
    Seq head;
    std::uint32_t next_of_user;
    bool has_marks = false;
    bool has_inbox = false;
    bool wide = false;

    rows::InboxValue inbox() const { return {changed, head, wide}; }
  };
  const Participant* participant(const ConversationId& conversation, UserId user) const;
  template <class F>
  void each_of_user(UserId user, F f) const {
    const auto it = users_.find(user);
    if (it == users_.end()) return;
    for (auto i = it->second; i != kNone; i = participants_[i].next_of_user) f(participants_[i]);
  }

  /// Passes those of a group (a direct conversation has no such list) after `after`, by rising
  /// user, until `f` says false.
  template <class F>
  void each_of_group(const ConversationId& group, UserId after, F f) const {
    const auto found = groups_.find(group);
    if (found == groups_.end()) return;
    const auto& places = found->second;
    for (auto it = places.upper_bound(after); it != places.end(); ++it)
      if (!f(participants_[it->second])) return;
  }

  const std::vector<Participant>& participants() const { return participants_; }
  const auto& conversations() const { return conversations_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // Sets that keep a hash and where the key is, not the key: growing them touches nothing else.
  struct SentSlot {
    std::size_t hash;
    const Entry* entry;
  };
  struct SentKey {
    std::size_t hash;
    const ConversationId& conversation;
    UserId sender;
    std::string_view id;
  };
  struct ParticipantSlot {
    std::size_t hash;
    std::uint32_t place;
  };
  struct ParticipantKey {
    std::size_t hash;
    const ConversationId& conversation;
    UserId user;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const auto& slot) const { return slot.hash; }
  };
  struct SameSent {
    using is_transparent = void;
    bool operator()(const SentSlot& a, const SentSlot& b) const;
    bool operator()(const SentKey& key, const SentSlot& slot) const;
    bool operator()(const SentSlot& slot, const SentKey& key) const { return (*this)(key, slot); }
  };
  struct SameParticipant {
    using is_transparent = void;
    const std::vector<Participant>* all;
    bool operator()(const ParticipantSlot& a, const ParticipantSlot& b) const {
      return a.place == b.place;
    }
    bool operator()(const ParticipantKey& key, const ParticipantSlot& slot) const;
    bool operator()(const ParticipantSlot& slot, const ParticipantKey& key) const {
      return (*this)(key, slot);
    }
  };

  Participant& participant_to_change(const ConversationId& conversation, UserId user);
  void add(const Append& append, const EntryPtr& entry);

  const std::uint64_t first_feed_;
  std::vector<EntryPtr> entries_;  // in commit order
  boost::unordered_flat_map<ConversationId, Conversation, std::hash<ConversationId>> conversations_;
  boost::unordered_flat_set<SentSlot, Hash, SameSent> sent_;
  std::vector<Participant> participants_;
  boost::unordered_flat_set<ParticipantSlot, Hash, SameParticipant> participant_places_{
      0, Hash{}, SameParticipant{&participants_}};
  boost::unordered_flat_map<UserId, std::uint32_t, std::hash<UserId>> users_;
  boost::unordered_flat_map<ConversationId, std::map<UserId, std::uint32_t>,
                            std::hash<ConversationId>>
      groups_;
};

}  // namespace parley
