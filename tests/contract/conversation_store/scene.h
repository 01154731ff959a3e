#pragma once
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "subject.h"

namespace parley::contract {

inline const UserId kAda(7), kBob(42), kCyd(99);

inline ConversationId direct(UserId one = kAda, UserId other = kBob) {
  return ConversationId::direct(one, other);
}

inline const ConversationId kGroup = ConversationId::group(913);

/// Plays the message service towards a store: numbers entries, keeps one append in flight, waits
/// for answers.
class Scene {
 public:
  explicit Scene(Subject& subject) : subject_(subject) {}

  ConversationStore& store() { return subject_.store(); }
  Feed& feed() { return *subject_.feed(); }
  bool has_feed() { return subject_.feed() != nullptr; }
  Generation generation() { return subject_.generation(); }

  /// The next entry of a conversation, two milliseconds after the one before in the scene.
  EntryPtr entry(const ConversationId& conversation, UserId sender, std::string body,
                 std::string client_message_id) {
    auto& seq = heads_[conversation];
    now_ += 2;
    auto e = std::make_shared<Entry>();
    e->conversation = conversation;
    e->seq = Seq(++seq);
    e->id = MessageId(static_cast<std::uint64_t>(now_) << 22);
    e->sender = sender;
    e->device = DeviceId(sender.value * 10);
    e->time = TimeMs(now_);
    e->client_message_id = std::move(client_message_id);
    e->body = std::move(body);
    e->countable = e->seq.value;
    e->newest_key = {e->seq.value, e->seq.value << 60};
    return e;
  }
  EntryPtr entry(const ConversationId& conversation, UserId sender = kAda) {
    const auto n = std::to_string(++made_);
    return entry(conversation, sender, "body " + n, "key-" + n);
  }

  /// The next entry of a group: a change, and the group as it is after it.
  EntryPtr change(const ConversationId& group, GroupChange change, GroupState state) {
    auto e = std::make_shared<Entry>(*entry(group, kAda, "", ""));
    e->kind = EntryKind::group_change;
    e->change = std::make_shared<GroupChange>(std::move(change));
    e->group = state;
    return e;
  }

  /// What a send to a direct conversation commits: entries, both inboxes, the sender's own mark.
  Append append(const ConversationId& conversation, std::vector<EntryPtr> entries) {
    const auto& last = *entries.back();
    Append a{conversation, std::move(entries), {UserId(conversation.first())}, false, {}};
    if (conversation.second() != conversation.first())
      a.inboxes.emplace_back(conversation.second());
    a.marks.push_back({conversation, last.sender, {last.seq, last.seq, last.countable}});
    return a;
  }

  Result<std::uint64_t> commit(std::vector<Append> group) {
    return commit(generation(), TimeMs(now_), std::move(group));
  }
  Result<std::uint64_t> commit(Generation generation, TimeMs now, std::vector<Append> group) {
    auto answer = std::make_shared<std::promise<Result<std::uint64_t>>>();
    auto future = answer->get_future();
    store().commit(generation, now, std::move(group),
                   [answer](Result<std::uint64_t> r) { answer->set_value(std::move(r)); });
    if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
      return fail(Code::timed_out, "the store did not answer within 30 s");
    return future.get();
  }

  /// Appends one entry to a direct conversation and waits; returns what was sent.
  EntryPtr send(const ConversationId& conversation, UserId sender = kAda) {
    auto e = entry(conversation, sender);
    auto answer = commit({append(conversation, {e})});
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return e;
  }

  TimeMs now() const { return TimeMs(now_); }
  void pass(std::int64_t ms) { now_ += ms; }

  std::vector<EntryPtr> log(const ConversationId& conversation) {
    auto read = store().read(conversation, Seq(1), Seq(~0ULL), 1'000'000, false);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read ? *read : std::vector<EntryPtr>();
  }

 private:
  Subject& subject_;
  std::map<ConversationId, std::uint64_t> heads_;
  std::int64_t now_ = 1'750'000'000'000;
  std::uint64_t made_ = 0;
};

/// Whether two logs hold equal entries, entry by entry.
inline void expect_same(const std::vector<EntryPtr>& got, const std::vector<EntryPtr>& expected) {
  EXPECT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i)
    EXPECT_TRUE(*got[i] == *expected[i]) << "entry " << i << " has seq " << got[i]->seq.value;
}

}  // namespace parley::contract
