#pragma once
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "api/message.h"
#include "base/clock.h"
#include "ports/conversation_store.h"
#include "ports/traces.h"

namespace parley::message {

/// To whom an answer goes: on the loop that asked.
struct Route {
  MessageListener* listener = nullptr;
  std::size_t loop = 0;
  bool operator==(const Route&) const = default;
};

/// What the store says of an idempotency key: nothing, or the first answer.
using Before = std::optional<Sent>;

// Where the store cannot be asked on the loop, what it says is looked up before: `before`,
// `read_countable`.
struct WaitingSend {
  SendRequest request;
  Route route;
  std::optional<Before> before = {};
  Span::Time since = {};  // when it came, where that is traced
};
struct WaitingMark {
  MarkRequest request;
  Route route;
  std::optional<std::uint64_t> read_countable = {};  // at request.read
};

/// Conversations whose newest entry is to be watched: after a restart, or of a shard that was
/// gained.
struct Rewatch {
  std::uint64_t position;  // of the feed, or the millisecond, from which on
  std::size_t open = 0;    // conversations that are not watched yet
  std::function<void()> done;
};

/// A change of a group on its way into the log.
struct WaitingChange {
  UserId actor;
  GroupChange change;
  std::move_only_function<void(Result<Head>)> done;  // any loop's: it posts
  std::optional<Before> before = {};
};

struct Member {
  UserId user;
  Marks marks;              // as committed
  Uuid newest_key;          // the greatest of version 7 that this user sent since it is loaded
  Marks told;               // of a group: what the authors were told of
  Seq pushed;               // of a direct conversation: up to where a push was decided
  std::uint64_t check = 0;  // the duty's latest check for this member; 0: none
  Clock::Mono receipt_sent = Clock::Mono::min();
  bool receipt_due = false;
};

/// What an owner keeps of one conversation. Lives on one loop.
struct ConversationState : boost::intrusive::list_base_hook<> {
  enum class Phase : std::uint8_t { unloaded, loading, ready };

  explicit ConversationState(const ConversationId& c) : id(c) {}

  bool waits() const {
    return !sends.empty() || !marks.empty() || !changes.empty() || !tail.empty() ||
           !heads.empty() || rewatch;
  }
  bool idle() const { return phase != Phase::loading && !in_flight && pins == 0 && !waits(); }
  /// Null: of a direct conversation, no such user; of a group, not known here yet.
  Member* member(UserId user);
  Member& add(UserId user, const Marks& at);
  /// This user surely never used the key here, so that the store need not be asked: it is greater
  /// than any before. False: perhaps.
  bool is_new(UserId sender, std::string_view client_message_id);
  /// Of what was committed.
  void note_key(UserId sender, std::string_view client_message_id);

  ConversationId id;
  Phase phase = Phase::unloaded;
  bool in_flight = false;      // a commit for this conversation is not settled yet
  bool queued = false;         // in the owner's list of conversations with work
  std::uint32_t pins = 0;      // checks and receipts that point here
  Head head;                   // as committed
  std::vector<EntryPtr> tail;  // of the log as it was found: committed again before anything else
  // The two of a direct conversation; everybody who is in a group that is not wide; of a wide one
  // those who did something. Some may have left.
  boost::container::small_vector<Member, 2> members;
  std::vector<WaitingChange> changes;  // in the order of their versions
  std::vector<WaitingSend> sends;      // in order of arrival
  std::vector<WaitingMark> marks;
  // Who asks for the head before it is known.
  std::vector<std::move_only_function<void(Result<Head>)>> heads;
  std::shared_ptr<Rewatch> rewatch;                // null, but until it is loaded and watched
  Clock::Mono receipts_sent = Clock::Mono::min();  // of a group
  bool receipts_due = false;

 private:
  // Where members stand, once they are many.
  std::unique_ptr<boost::unordered_flat_map<UserId, std::size_t, std::hash<UserId>>> places_;
};

/// The states by id, at most `capacity` of them beyond those that are busy; the least recently used
/// go first.
class ConversationCache {
 public:
  explicit ConversationCache(std::size_t capacity) : capacity_(capacity) {}
  ~ConversationCache();
  ConversationCache(const ConversationCache&) = delete;

  ConversationState& touch(const ConversationId& id);
  template <class F>
  void each(F f) {
    for (auto& state : recent_) f(state);
  }
  /// Looks at as many states as were made since the last call and `kLooks` more: a turn pays for
  /// what it made, and what a turn left behind is gone after some calls.
  void evict();
  std::size_t size() const { return states_.size(); }
  bool is_over() const { return states_.size() > capacity_; }

  static constexpr std::size_t kLooks = 1'024;

 private:
  std::size_t capacity_;
  std::size_t made_ = 0;  // since the last `evict`
  boost::unordered_flat_map<ConversationId, ConversationState*, std::hash<ConversationId>> states_;
  boost::intrusive::list<ConversationState> recent_;  // most recently used first
};

}  // namespace parley::message
