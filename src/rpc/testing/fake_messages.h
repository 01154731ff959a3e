#pragma once
#include <map>
#include <mutex>

#include "api/message.h"
#include "base/loops.h"

namespace parley::rpc::testing {

inline const ConversationId kTalk = ConversationId::direct(UserId(7), UserId(42));
inline const ConversationId kGroup = ConversationId::group(913);

inline EntryPtr entry(std::uint64_t seq) {
  Entry out{kTalk,     Seq(seq), MessageId(900 + seq),      UserId(7), DeviceId(3),
            TimeMs(5), "key",    std::string("body\0x", 6), seq};
  return std::make_shared<const Entry>(std::move(out));
}
inline EntryPtr change_entry() {
  Entry out{kGroup, Seq(1), MessageId(77), UserId(7), DeviceId(0), TimeMs(5), "", "", 0};
  out.kind = EntryKind::group_change;
  out.group = {.version = 1, .members = 2, .wide = true, .dissolved = true};
  out.change = std::make_shared<const GroupChange>(
      GroupChange{GroupChange::What::created, 1, "title", {UserId(7), UserId(42)}, Role::admin});
  return std::make_shared<const Entry>(std::move(out));
}

/// Stores nothing: says what it was asked, and answers with what a test can recognise.
class FakeMessages : public MessageApi {
 public:
  explicit FakeMessages(Loops& loops) : loops_(loops) {}

  /// Answers are kept back until `release`.
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    const std::lock_guard lock(mutex_);
    for (auto& call : std::exchange(kept_, {})) call();
  }
  std::size_t kept() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  std::vector<std::string> bodies(const ConversationId& of) {
    const std::lock_guard lock(mutex_);
    return log_[of];
  }
  std::vector<MarkRequest> marked() {
    const std::lock_guard lock(mutex_);
    return marked_;
  }
  std::vector<SendRequest> sends() {
    const std::lock_guard lock(mutex_);
    return sends_;
  }

  void send(std::vector<SendRequest> batch, MessageListener& listener) override {
    std::vector<SendAnswer> answers;
    const std::lock_guard lock(mutex_);
    for (auto& request : batch) {
      auto& log = log_[request.conversation];
      log.push_back(request.body);
      if (request.client_message_id == "refuse")
        answers.push_back({request.token, std::unexpected(Error{Code::conflict, "other body",
                                                                "client_message_id", 17})});
      else
        answers.push_back({request.token, Head{Seq(log.size()), MessageId(5), TimeMs(6), 7}});
      sends_.push_back(std::move(request));
    }
    answer([&listener, answers = std::move(answers)]() mutable {
      listener.on_sent(std::move(answers));
    });
  }
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override {
    std::vector<MarkAnswer> answers;
    const std::lock_guard lock(mutex_);
    for (const auto& request : batch) {
      if (request.token != 0) answers.push_back({request.token, {}});
      marked_.push_back(request);
    }
    answer([&listener, answers = std::move(answers)]() mutable {
      listener.on_marked(std::move(answers));
    });
  }

  Awaitable<Result<Changes>> changes(UserId user, Cursor since) override {
    co_return Changes{{{view_of(user), Seq(4)}}, {since.epoch + 1, since.time}};
  }
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId, ConversationId, Seq from, Seq to,
                                                   std::size_t limit) override {
    std::vector<EntryPtr> out;
    for (auto seq = from.value; seq <= to.value && out.size() < limit; ++seq)
      out.push_back(entry(seq));
    co_return out;
  }
  Awaitable<Result<HistoryPage>> history(UserId, ConversationId conversation,
                                         HistoryQuery query) override {
    if (conversation == kGroup) co_return fail(Code::not_found, "no such group", "conversation_id");
    co_return HistoryPage{{entry(query.at), change_entry()},
                          {Seq(9), MessageId(8), TimeMs(7), 6, change_entry()->group},
                          query.from == HistoryQuery::From::around_time,
                          query.limit == 3};
  }
  Awaitable<Result<Head>> append(GroupId group, UserId, GroupChange change) override {
    co_return Head{Seq(change.version), MessageId(group.value), TimeMs(1), 0,
                   GroupState{.members = static_cast<std::uint32_t>(change.users.size())}};
  }
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId, std::vector<UserId> users) override {
    std::vector<Marks> out;
    for (auto user : users) out.push_back({Seq(user.value), Seq(2), 3, Seq(4), Seq(5)});
    co_return out;
  }
  Awaitable<Result<Receipts>> receipts(UserId, ConversationId, Seq seq) override {
    co_return Receipts{3, 2, 1, {{UserId(7), {seq, Seq(2), 3}}}};
  }
  Awaitable<Result<std::vector<UserId>>> visible(UserId, std::vector<UserId> users) override {
    users.pop_back();
    co_return users;
  }
  Awaitable<Result<Head>> head(ConversationId) override {
    co_return Head{Seq(9), MessageId(8), TimeMs(7), 6};
  }
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId) override {
    co_return view_of(asker);
  }
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) override {
    if (!after) co_return std::vector<ConversationView>{};
    co_return std::vector<ConversationView>(limit, view_of(user));
  }

  static ConversationView view_of(UserId user) {
    ConversationView out;
    out.conversation = kTalk;
    out.head = {Seq(9), MessageId(8), TimeMs(7), 6};
    out.own = {Seq(3), Seq(2), 1};
    out.others = {{user, {Seq(6), Seq(5), 4}}};
    out.joined = Seq(10);
    out.left = Seq(11);
    out.members = 12;
    out.changed = TimeMs(13);
    return out;
  }

 private:
  /// Later, on the loop that asked. With the lock held.
  void answer(std::function<void()> call) {
    auto posted = [&io = loops_.at(loops_.current()), call = std::move(call)] {
      boost::asio::post(io, call);
    };
    if (held_)
      kept_.push_back(std::move(posted));
    else
      posted();
  }

  Loops& loops_;
  std::atomic<bool> held_{false};
  std::mutex mutex_;
  std::map<ConversationId, std::vector<std::string>> log_;
  std::vector<SendRequest> sends_;
  std::vector<MarkRequest> marked_;
  std::vector<std::function<void()>> kept_;
};

}  // namespace parley::rpc::testing
