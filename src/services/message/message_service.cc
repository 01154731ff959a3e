#include "services/message/message_service.h"

#include <boost/asio.hpp>
#include <future>
#include <limits>
#include <unordered_set>

#include "base/check.h"
#include "base/log.h"

namespace parley::message {
namespace {
constexpr std::string_view kConsumer = "delivery";
constexpr std::string_view kConsumers[] = {kConsumer, "groups"};  // all must pass what is trimmed
constexpr std::size_t kFeedPage = 10'000;
constexpr std::size_t kLookingBack = 2;  // shards
constexpr std::size_t kLoading = 128;    // reads side by side: each mostly waits for a network
constexpr std::chrono::seconds kKeepPosition{2};
}  // namespace

MessageService::MessageService(Needs needs, Settings settings)
    : feed_(needs.feed),
      duties_(needs.duties),
      loading_(feed_ ? nullptr : std::make_unique<boost::asio::thread_pool>(kLoading)),
      looking_back_(feed_ ? nullptr : std::make_unique<boost::asio::thread_pool>(kLookingBack)),
      feed_reader_(feed_ ? std::make_unique<FeedReader>(needs.loops, needs.store, *feed_,
                                                        shared_.stored_position)
                         : nullptr),
      shared_{
          needs.loops,
          needs.clock,
          needs.hybrid,
          needs.store,
          needs.users,
          needs.sessions,
          needs.notifications,
          std::move(needs.reach),
          settings,
          needs.store.info(),
          feed_reader_.get(),
          0,
          std::vector<std::atomic<std::int64_t>>(kShards),
          needs.holds ? std::move(needs.holds) : [](ShardId, Generation) { return true; },
          needs.over ? std::move(needs.over) : [](ShardId, Generation) {},
          loading_ ? *loading_ : needs.loops.pool(),
          needs.traces,
          needs.metrics.counter("parley_messages_stored_total",
                                "Messages made durable and acknowledged"),
          Refusals(needs.metrics),
          needs.metrics.counter("parley_push_decisions_total", "Entries given to notification")},
      reader_(shared_, owners_),
      gate_(needs.loops.at(0).get_executor(), "message service"),
      timer_(needs.loops.at(0)),
      pace_(needs.loops.at(0)) {
  PARLEY_CHECK(shared_.info.one_log ? feed_ != nullptr : duties_ != nullptr,
               "what was not done is found by the feed, or by the shards' duties");
  shared_.hybrid.observe(Snowflake::time_of(shared_.info.last_issued));
  PARLEY_CHECK(needs.nodes.empty() || needs.nodes.size() == needs.loops.size(), "a node per loop");
  for (std::size_t i = 0; i < needs.loops.size(); ++i)
    owners_.push_back(std::make_unique<Owner>(
        shared_, i, needs.nodes.empty() ? static_cast<std::uint32_t>(i) : needs.nodes[i]));
}

Result<void> MessageService::start() {
  if (shared_.info.one_log) PARLEY_TRY_VOID(start_from_feed());
  boost::asio::post(shared_.loops.at(0), [this] { keep_position(); });
  return {};
}

Result<void> MessageService::start_from_feed() {
  PARLEY_TRY(stored, feed_->position(kConsumer));
  std::unordered_set<ConversationId> newest;
  auto position = stored;
  for (;;) {
    PARLEY_TRY(page, feed_->feed(position, kFeedPage, Feed::Of::all));
    for (const auto& entry : page.entries)
      if (entry.conversation.is_direct()) newest.insert(entry.conversation);
    position = page.next;
    if (page.entries.size() < kFeedPage) break;
  }
  shared_.stored_position = position;
  if (!newest.empty())
    log::info("message", "{} conversations to look after since the last stop", newest.size());
  std::promise<void> watching;
  rewatch({newest.begin(), newest.end()}, stored + 1, [&watching] { watching.set_value(); });
  watching.get_future().wait();
  return {};
}

/// Calls back when every owner watches. Any thread.
void MessageService::rewatch(const std::vector<ConversationId>& conversations,
                             std::uint64_t position, std::function<void()> done) {
  std::vector<std::vector<ConversationId>> parts(owners_.size());
  for (const auto& id : conversations) parts[home(id)].push_back(id);
  auto open = std::make_shared<std::atomic<std::size_t>>(owners_.size());
  for (std::size_t i = 0; i < owners_.size(); ++i)
    boost::asio::post(shared_.loops.at(i),
                      [owner = owners_[i].get(), part = std::move(parts[i]), position, open, done] {
                        owner->rewatch(part, position, [open, done] {
                          if (open->fetch_sub(1) == 1) done();
                        });
                      });
}

Owner::Queues MessageService::queues() const {
  Owner::Queues out;
  for (const auto& owner : owners_) {
    const auto part = owner->queues();
    out.sends += part.sends;
    out.commits += part.commits;
  }
  return out;
}

void MessageService::keep_position() {
  if (closing_) return;
  timer_.expires_after(kKeepPosition);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    if (!shared_.info.one_log) {
      gate_.spawn([this] { return keep_settled(); });
      return;
    }
    // Read before the owners' words, so that an entry stored meanwhile is above it.
    auto decided = shared_.stored_position.load();
    for (const auto& owner : owners_) decided = std::min(decided, owner->undecided_from() - 1);
    feed_->set_position(kConsumer, decided);
    trim();
    keep_position();
  });
}

void MessageService::trim() {
  auto passed = std::numeric_limits<std::uint64_t>::max();
  for (const auto consumer : kConsumers) {
    const auto position = feed_->position(consumer);
    if (!position)
      return log::warn("message", "the feed is not trimmed: {}", position.error().message);
    passed = std::min(passed, *position);
  }
  feed_->trim(passed);
}

/// `ask(owner, done)` on the loop of the conversation's owner.
template <class Ask>
Awaitable<Result<Head>> MessageService::ask_owner(ConversationId id, Ask ask) {
  const auto loop = shared_.loops.current();
  PARLEY_CHECK(loop < owners_.size(), "an owner is asked on a loop");
  const auto initiate = [this, loop, id](auto handler, Ask what) {
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    auto done = [this, loop, kept](Result<Head> outcome) mutable {
      boost::asio::post(shared_.loops.at(loop), [kept, outcome = std::move(outcome)]() mutable {
        (*kept)(std::move(outcome));
      });
    };
    const auto at = home(id);
    shared_.loops.run_on(at, [this, at, what = std::move(what), done = std::move(done)]() mutable {
      what(*owners_[at], std::move(done));
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                 void(Result<Head>)>(
      initiate, boost::asio::use_awaitable, std::move(ask));
}

Awaitable<Result<Head>> MessageService::head(ConversationId conversation) {
  return ask_owner(conversation, [conversation](Owner& owner, auto done) {
    owner.head(conversation, std::move(done));
  });
}

Awaitable<Result<Head>> MessageService::append(GroupId group, UserId actor, GroupChange change) {
  const auto id = ConversationId::group(group.value);
  return ask_owner(id, [id, actor, change = std::move(change)](Owner& owner, auto done) mutable {
    owner.append(id, WaitingChange{actor, std::move(change), std::move(done)});
  });
}

template <class Request>
std::vector<std::vector<Request>> MessageService::by_home(std::vector<Request> batch) const {
  std::vector<std::vector<Request>> parts(owners_.size());
  if (owners_.size() == 1)
    parts[0] = std::move(batch);
  else
    for (auto& request : batch) parts[home(request.conversation)].push_back(std::move(request));
  return parts;
}

void MessageService::send(std::vector<SendRequest> batch, MessageListener& listener) {
  const Route route{&listener, shared_.loops.current()};
  PARLEY_CHECK(route.loop < owners_.size(), "send is called on a loop");
  auto parts = by_home(std::move(batch));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    shared_.loops.run_on(i,
                         [owner = owners_[i].get(), route, part = std::move(parts[i])]() mutable {
                           owner->send(std::move(part), route);
                         });
  }
}

void MessageService::mark(std::vector<MarkRequest> batch, MessageListener& listener) {
  const Route route{&listener, shared_.loops.current()};
  PARLEY_CHECK(route.loop < owners_.size(), "mark is called on a loop");
  auto parts = by_home(std::move(batch));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    shared_.loops.run_on(i,
                         [owner = owners_[i].get(), route, part = std::move(parts[i])]() mutable {
                           owner->mark(std::move(part), route);
                         });
  }
}

void MessageService::close(std::function<void()> drained) {
  if (feed_reader_) feed_reader_->close();
  auto open = std::make_shared<std::atomic<std::size_t>>(owners_.size() + 1);
  const auto ended = [this, open, drained] {
    if (open->fetch_sub(1) != 1) return;
    // Nobody reads any more, but a thread may still be letting go of what belongs to a loop.
    if (loading_) loading_->join();
    if (looking_back_) looking_back_->join();
    drained();
  };
  boost::asio::post(shared_.loops.at(0), [this, ended] {
    closing_ = true;
    timer_.cancel();
    pace_.cancel();
    gate_.close(ended);
  });
  for (std::size_t i = 0; i < owners_.size(); ++i)
    boost::asio::post(shared_.loops.at(i),
                      [owner = owners_[i].get(), ended] { owner->close(ended); });
}

}  // namespace parley::message
