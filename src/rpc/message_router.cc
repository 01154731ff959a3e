#include "rpc/message_router.h"

#include <boost/asio.hpp>

#include "base/check.h"

namespace parley::rpc {
namespace {

constexpr std::chrono::milliseconds kAgain{20};  // what is held is asked again after
constexpr std::size_t kBytesAtMost = 64 << 20;   // under way, of a loop

}  // namespace

/// The sends and marks of one loop.
class MessageRouter::Desk final : public MessageListener {
 public:
  Desk(MessageRouter& router, boost::asio::io_context& loop)
      : router_(router), loop_(loop), timer_(loop) {}

  void send(std::vector<SendRequest> batch, MessageListener& listener) {
    ask(sends_, std::move(batch), listener, &MessageListener::on_sent);
  }
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) {
    ask(marks_, std::move(batch), listener, &MessageListener::on_marked);
  }
  void on_sent(std::vector<SendAnswer> answers) override {
    sends_.answered(std::move(answers), *router_.owners());
    arm();
  }
  void on_marked(std::vector<MarkAnswer> answers) override {
    marks_.answered(std::move(answers), *router_.owners());
    arm();
  }
  void again() {
    const auto owners = router_.owners();
    sends_.again(*this, *owners);
    marks_.again(*this, *owners);
    arm();
  }

 private:
  template <class Lane, class Request, class Answer>
  void ask(Lane& lane, std::vector<Request> batch, MessageListener& listener,
           void (MessageListener::*give)(std::vector<Answer>)) {
    std::vector<Answer> refused;
    lane.ask(std::move(batch), listener, *this, *router_.owners(), refused);
    if (!refused.empty())
      boost::asio::post(loop_, [&listener, give, refused = std::move(refused)]() mutable {
        (listener.*give)(std::move(refused));
      });
    arm();
  }
  void arm() {
    if (armed_ || (!sends_.holds() && !marks_.holds())) return;
    armed_ = true;
    timer_.expires_after(kAgain);
    timer_.async_wait([this](boost::system::error_code cancelled) {
      armed_ = false;
      if (!cancelled) again();
    });
  }

  MessageRouter& router_;
  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  RouterLane<SendRequest, SendAnswer> sends_{{router_.patience_, kBytesAtMost, router_.held_},
                                             &MessageApi::send,
                                             &MessageListener::on_sent};
  RouterLane<MarkRequest, MarkAnswer> marks_{{router_.patience_, kBytesAtMost, router_.held_},
                                             &MessageApi::mark,
                                             &MessageListener::on_marked};
};

MessageRouter::MessageRouter(Loops& loops, std::map<std::string, MessageApi*> processes,
                             std::chrono::milliseconds patience)
    : loops_(loops),
      processes_(std::move(processes)),
      patience_(patience),
      owners_(std::make_shared<const ShardApis>(kShards, nullptr)) {
  PARLEY_CHECK(!processes_.empty(), "there is nobody to ask");
  for (std::size_t i = 0; i < loops.size(); ++i)
    desks_.push_back(std::make_unique<Desk>(*this, loops.at(i)));
}

MessageRouter::~MessageRouter() = default;

void MessageRouter::set_owners(std::vector<std::string> names) {
  PARLEY_CHECK(names.size() == kShards, "an owner by shard");
  {
    const std::lock_guard lock(mutex_);
    names_ = std::move(names);
  }
  publish();
}

void MessageRouter::set_reachable(const std::string& name, bool reachable) {
  {
    const std::lock_guard lock(mutex_);
    const bool changed =
        reachable ? unreachable_.erase(name) > 0 : unreachable_.insert(name).second;
    if (!changed) return;
  }
  publish();
}

void MessageRouter::publish() {
  {
    const std::lock_guard lock(mutex_);
    auto owners = std::make_shared<ShardApis>(kShards, nullptr);
    for (std::size_t shard = 0; shard < names_.size(); ++shard) {
      const auto at = processes_.find(names_[shard]);
      if (at != processes_.end() && !unreachable_.contains(at->first))
        (*owners)[shard] = at->second;
    }
    owners_ = std::move(owners);
  }
  for (std::size_t i = 0; i < desks_.size(); ++i)
    boost::asio::post(loops_.at(i), [desk = desks_[i].get()] { desk->again(); });
}

std::shared_ptr<const ShardApis> MessageRouter::owners() const {
  const std::lock_guard lock(mutex_);
  return owners_;
}

MessageApi* MessageRouter::owner(const ConversationId& conversation) const {
  return (*owners())[shard_of(conversation).value];
}

void MessageRouter::send(std::vector<SendRequest> batch, MessageListener& listener) {
  desks_.at(loops_.current())->send(std::move(batch), listener);
}

void MessageRouter::mark(std::vector<MarkRequest> batch, MessageListener& listener) {
  desks_.at(loops_.current())->mark(std::move(batch), listener);
}

template <class Ask>
std::invoke_result_t<Ask, MessageApi&> MessageRouter::of_owner(ConversationId conversation,
                                                               Ask ask) const {
  const auto until = std::chrono::steady_clock::now() + patience_;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (;;) {
    if (auto* api = owner(conversation)) {
      auto answer = co_await ask(*api);
      if (answer || !RouterLane<SendRequest, SendAnswer>::is_the_next_ones(answer.error(), api,
                                                                           owner(conversation)))
        co_return answer;
      if (std::chrono::steady_clock::now() >= until) co_return answer;
    } else if (std::chrono::steady_clock::now() >= until) {
      co_return std::unexpected(RouterLane<SendRequest, SendAnswer>::nobody());
    }
    timer.expires_after(kAgain);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

template <class Ask>
std::invoke_result_t<Ask, MessageApi&> MessageRouter::of_any(UserId user, Ask ask) const {
  const auto first = std::hash<UserId>()(user) % processes_.size();
  for (std::size_t i = 0;; ++i) {
    const auto at =
        std::next(processes_.begin(), static_cast<std::ptrdiff_t>((first + i) % processes_.size()));
    auto answer = co_await ask(*at->second);
    if (answer || answer.error().code != Code::unavailable || i + 1 == processes_.size())
      co_return answer;
  }
}

Awaitable<Result<Changes>> MessageRouter::changes(UserId user, Cursor since) {
  return of_any(user, [user, since](MessageApi& api) { return api.changes(user, since); });
}

Awaitable<Result<std::vector<EntryPtr>>> MessageRouter::entries(UserId asker,
                                                                ConversationId conversation,
                                                                Seq from, Seq to,
                                                                std::size_t limit) {
  return of_owner(conversation, [=](MessageApi& api) {
    return api.entries(asker, conversation, from, to, limit);
  });
}

Awaitable<Result<HistoryPage>> MessageRouter::history(UserId asker, ConversationId conversation,
                                                      HistoryQuery query) {
  return of_owner(conversation,
                  [=](MessageApi& api) { return api.history(asker, conversation, query); });
}

Awaitable<Result<Head>> MessageRouter::head(ConversationId conversation) {
  return of_owner(conversation, [=](MessageApi& api) { return api.head(conversation); });
}

Awaitable<Result<Head>> MessageRouter::append(GroupId group, UserId actor, GroupChange change) {
  return of_owner(ConversationId::group(group.value),
                  [=](MessageApi& api) { return api.append(group, actor, change); });
}

Awaitable<Result<std::vector<Marks>>> MessageRouter::marks(ConversationId conversation,
                                                           std::vector<UserId> users) {
  return of_owner(conversation, [=](MessageApi& api) { return api.marks(conversation, users); });
}

Awaitable<Result<Receipts>> MessageRouter::receipts(UserId asker, ConversationId conversation,
                                                    Seq seq) {
  return of_owner(conversation,
                  [=](MessageApi& api) { return api.receipts(asker, conversation, seq); });
}

Awaitable<Result<std::vector<UserId>>> MessageRouter::visible(UserId asker,
                                                              std::vector<UserId> users) {
  return of_any(asker, [=](MessageApi& api) { return api.visible(asker, users); });
}

Awaitable<Result<ConversationView>> MessageRouter::view(UserId asker, ConversationId conversation) {
  return of_owner(conversation, [=](MessageApi& api) { return api.view(asker, conversation); });
}

Awaitable<Result<std::vector<ConversationView>>> MessageRouter::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  return of_any(user, [=](MessageApi& api) { return api.conversations(user, after, limit); });
}

}  // namespace parley::rpc
