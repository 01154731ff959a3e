#pragma once
#include <boost/asio.hpp>
#include <map>
#include <mutex>

#include "api/feed.h"
#include "base/loops.h"

namespace parley::group {

/// The message service, as far as groups need it: logs, marks and the feed, by its contract. It
/// outlives the group service, as a store does. Any thread.
class FakeLog final : public MessageApi, public FeedApi {
 public:
  // What a test does and asks.
  /// A member writes: the entry's seq.
  Seq write(GroupId group, UserId sender) {
    const std::lock_guard lock(mutex_);
    return add(group, sender, nullptr);
  }
  void confirm(GroupId group, UserId user, Seq seq) {
    const std::lock_guard lock(mutex_);
    logs_[group].marks[user].merge({.delivered = seq, .read = Seq(0)});
  }
  void fail_appends(std::optional<Code> with) {
    const std::lock_guard lock(mutex_);
    failing_ = with;
  }
  /// From now on the feed gives nothing, or goes on.
  void hold_feed(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
  }
  std::vector<GroupChange> changes(GroupId group) {
    const std::lock_guard lock(mutex_);
    return logs_[group].changes;
  }
  std::uint64_t passed_position() {
    const std::lock_guard lock(mutex_);
    return passed_;
  }
  std::uint64_t end() {
    const std::lock_guard lock(mutex_);
    return feed_.size();
  }
  std::size_t marks_asked() {
    const std::lock_guard lock(mutex_);
    return marks_asked_;
  }

  Awaitable<Result<Head>> append(GroupId group, UserId actor, GroupChange change) override {
    const std::lock_guard lock(mutex_);
    if (failing_) co_return fail(*failing_, "told to");
    auto& log = logs_[group];
    if (change.version <= log.changes.size() && log.changes[change.version - 1] == change)
      co_return log.heads[change.version - 1];
    if (change.version != log.changes.size() + 1) co_return fail(Code::conflict, "not the next");
    log.changes.push_back(change);
    add(group, actor, std::make_shared<const GroupChange>(change));
    log.heads.push_back(head_after(*log.entries.back()));
    co_return log.heads.back();
  }
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                              std::vector<UserId> users) override {
    const std::lock_guard lock(mutex_);
    std::vector<Marks> answer;
    for (const auto user : users)
      answer.push_back(logs_[GroupId(conversation.first())].marks[user]);
    marks_asked_ += users.size();
    co_return answer;
  }
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    auto& log = logs_[GroupId(conversation.first())];
    const auto& marks = log.marks[asker];
    std::vector<EntryPtr> answer;
    for (const auto& entry : log.entries)
      if (entry->seq >= std::max(from, marks.joined) && entry->seq <= to &&
          (marks.member() || entry->seq <= marks.left) && answer.size() < limit)
        answer.push_back(entry);
    co_return answer;
  }

  Awaitable<Result<std::uint64_t>> position(std::string) override {
    const std::lock_guard lock(mutex_);
    co_return passed_;
  }
  Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                    std::chrono::milliseconds) override {
    for (int tries = 0;; ++tries) {
      {
        const std::lock_guard lock(mutex_);
        FeedItems page{{}, after};
        while (!held_ && page.next < feed_.size() && page.items.size() < limit) {
          page.items.push_back({page.next + 1, feed_[page.next]});
          ++page.next;
        }
        if (!page.items.empty() || tries == 3) co_return page;
      }
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                      std::chrono::milliseconds(1));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
  }
  void passed(std::string, std::uint64_t position) override {
    const std::lock_guard lock(mutex_);
    passed_ = std::max(passed_, position);
  }

  // Not asked by the group service.
  void send(std::vector<SendRequest>, MessageListener&) override {}
  void mark(std::vector<MarkRequest>, MessageListener&) override {}
  Awaitable<Result<Changes>> changes(UserId, Cursor) override { co_return no(); }
  Awaitable<Result<HistoryPage>> history(UserId, ConversationId, HistoryQuery) override {
    co_return no();
  }
  Awaitable<Result<Receipts>> receipts(UserId, ConversationId, Seq) override { co_return no(); }
  Awaitable<Result<std::vector<UserId>>> visible(UserId, std::vector<UserId>) override {
    co_return no();
  }
  Awaitable<Result<Head>> head(ConversationId) override { co_return no(); }
  Awaitable<Result<ConversationView>> view(UserId, ConversationId) override { co_return no(); }
  Awaitable<Result<std::vector<ConversationView>>> conversations(UserId,
                                                                 std::optional<ConversationId>,
                                                                 std::size_t) override {
    co_return no();
  }

 private:
  struct Log {
    std::vector<EntryPtr> entries;
    std::vector<GroupChange> changes;
    std::vector<Head> heads;  // of each change
    std::map<UserId, Marks> marks;
  };
  static std::unexpected<Error> no() { return fail(Code::unsupported, "not here"); }

  Seq add(GroupId group, UserId sender, std::shared_ptr<const GroupChange> change) {
    using What = GroupChange::What;
    auto& log = logs_[group];
    Entry entry;
    entry.conversation = ConversationId::group(group.value);
    entry.seq = Seq(log.entries.size() + 1);
    entry.sender = sender;
    if (!log.entries.empty()) entry.group = log.entries.back()->group;
    if (change) {
      entry.kind = EntryKind::group_change;
      entry.group = after(entry.group, *change);
      entry.change = change;
      for (const auto user : change->users) {
        auto& marks = log.marks[user];
        if (change->what == What::created || change->what == What::added)
          marks.delivered = marks.read = marks.joined = entry.seq;
        if (change->what == What::removed || change->what == What::left) marks.left = entry.seq;
      }
      if (change->what == What::dissolved)
        for (auto& [user, marks] : log.marks)
          if (marks.member()) marks.left = entry.seq;
    }
    log.marks[sender].merge({.delivered = entry.seq, .read = entry.seq});
    log.entries.push_back(std::make_shared<const Entry>(entry));
    feed_.push_back(log.entries.back());
    return entry.seq;
  }

  std::mutex mutex_;
  std::map<GroupId, Log> logs_;
  std::vector<EntryPtr> feed_;
  std::optional<Code> failing_;
  bool held_ = false;
  std::uint64_t passed_ = 0;
  std::size_t marks_asked_ = 0;
};

}  // namespace parley::group
