#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/conversation_store.h"

namespace parley::test {

/// One call of `commit`, and the feed position that a consumer had stored before it.
struct Called {
  std::vector<Append> group;
  TimeMs now;
  std::uint64_t consumed = 0;
  bool answered = false;
};

/// What a store holds after some calls, worked out anew from the port's promises.
struct Contents {
  std::map<ConversationId, std::vector<EntryPtr>> logs;
  std::map<std::pair<ConversationId, UserId>, Marks> marks;
  std::map<UserId, std::map<ConversationId, InboxRow>> inboxes;
  std::vector<std::pair<ConversationId, Seq>> feed;

  void add(const Called& called);
};

/// The calls in their order. A store must hold a beginning of them that has all answered ones, each
/// whole. Not thread-safe.
class History {
 public:
  std::size_t add(Called called);
  void answered(std::size_t call) { calls_[call].answered = true; }
  const std::vector<Append>& group(std::size_t call) const { return calls_[call].group; }

  /// The feed up to `position` was given up: an opening may show it or not.
  void trimmed(std::uint64_t position) { trimmed_ = std::max(trimmed_, position); }

  /// Which calls the store holds; what is wrong is appended to `wrong`.
  std::optional<std::size_t> judge(ConversationStore& store, Feed& feed,
                                   std::vector<std::string>& wrong) const;
  /// From now on exactly the first `calls` must be there; the others must never come back, nor
  /// what the feed does not show.
  void settle(std::size_t calls, Feed& feed);

  Contents contents() const { return contents_after(calls_.size()); }
  std::size_t size() const { return calls_.size(); }
  std::size_t answered() const;
  std::uint64_t gone() const { return gone_; }  // rows of the feed
  std::size_t vanished() const { return vanished_.size(); }

 private:
  struct Key {
    ConversationId conversation;
    UserId sender;
    std::string id;
    auto operator<=>(const Key&) const = default;
  };
  Contents contents_after(std::size_t calls) const;
  std::string difference(const Contents& expected, ConversationStore& store, Feed& feed) const;
  std::string feed_difference(const Contents& expected, Feed& feed, Feed::Of of) const;
  std::string vanished_but_there(std::size_t from, ConversationStore& store) const;

  std::vector<Called> calls_;
  std::uint64_t consumed_ = 0;  // the highest position that a consumer ever stored
  std::uint64_t trimmed_ = 0;   // no more of the feed than this may be gone
  std::uint64_t gone_ = 0;      // so much of it is
  std::set<Key> vanished_;
};

}  // namespace parley::test
