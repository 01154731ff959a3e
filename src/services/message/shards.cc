// The shards that this process owns, where conversations have logs of their own.
#include <algorithm>
#include <boost/asio.hpp>
#include <set>

#include "base/log.h"
#include "services/message/message_service.h"

namespace parley::message {
namespace {
constexpr std::int64_t kMargin = 10'000;  // ms, for clocks that differ and commits that took long
// How far back a new owner may have to look in a shard of which nobody spoke meanwhile.
constexpr std::int64_t kIdle = 600'000;
constexpr std::chrono::seconds kTryAgain{1};
// Before looking back, so that the conversations in which people talk are read first.
constexpr std::chrono::seconds kFirstServe{1};
constexpr std::size_t kWatchedAtOnce = 8;  // conversations
constexpr std::chrono::seconds kWatchedWithin{5};

/// `call()` on the pool, again until it succeeds or `wanted()` no more: then nothing. On a loop.
template <class Call, class Wanted>
auto until_done(boost::asio::thread_pool& pool, const char* what, Call call, Wanted wanted)
    -> boost::asio::awaitable<std::optional<typename std::invoke_result_t<Call>::value_type>> {
  while (wanted()) {
    auto found = co_await run_blocking(pool, call);
    if (!wanted()) break;
    if (found) co_return *std::move(found);
    log::warn("message", "of shards that were gained {} is not known, asking again: {}", what,
              found.error().message);
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor, kTryAgain);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  co_return std::nullopt;
}

/// How far each is settled. Of those that were never owned it is said first, before they are
/// served, so that no later owner has to look for more.
Result<std::vector<ShardTime>> settled_of(ShardDuties& duties, const std::vector<ShardId>& shards,
                                          TimeMs now) {
  PARLEY_TRY(known, duties.settled(shards));
  std::vector<ShardTime> out;
  std::vector<ShardId> fresh;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!known[i]) fresh.push_back(shards[i]);
    out.push_back({shards[i], known[i] ? known[i] : now});
  }
  PARLEY_TRY_VOID(duties.set_settled(fresh, now));
  return out;
}
}  // namespace

void MessageService::gain(std::vector<ShardGrant> grants, Served served) {
  boost::asio::post(shared_.loops.at(0),
                    [this, grants = std::move(grants), served = std::move(served)]() mutable {
                      for (const auto& grant : grants) tenures_[grant.shard] = {grant.generation};
                      gate_.spawn([this, grants = std::move(grants), served = std::move(served)] {
                        return take_up(grants, served);
                      });
                    });
}

void MessageService::use_nodes(const std::vector<std::uint32_t>& nodes) {
  for (std::size_t i = 0; i < owners_.size(); ++i)
    boost::asio::post(shared_.loops.at(i),
                      [owner = owners_[i].get(), node = nodes.at(i)] { owner->use_node(node); });
}

void MessageService::lose(std::vector<ShardId> shards, std::function<void()> done) {
  boost::asio::post(shared_.loops.at(0), [this, shards = std::move(shards),
                                          done = std::move(done)]() mutable {
    std::vector<std::set<ShardId>> parts(owners_.size());
    for (const auto shard : shards) {
      tenures_.erase(shard);
      parts[home(shard)].insert(shard);
    }
    auto open = std::make_shared<std::atomic<std::size_t>>(owners_.size());
    for (std::size_t i = 0; i < owners_.size(); ++i)
      boost::asio::post(shared_.loops.at(i), [owner = owners_[i].get(), part = std::move(parts[i]),
                                              open, done]() mutable {
        owner->lose(std::move(part), [open, done] {
          if (open->fetch_sub(1) == 1) done();
        });
      });
  });
}

/// Whether it is still this process's.
bool MessageService::has(const ShardGrant& grant) const {
  const auto tenure = tenures_.find(grant.shard);
  return tenure != tenures_.end() && tenure->second.generation == grant.generation && !closing_;
}

bool MessageService::has_any(const std::vector<ShardGrant>& grants) const {
  return std::ranges::any_of(grants, [this](const auto& grant) { return has(grant); });
}

/// Serves the shards, and has what their last owners left looked for. Until that is watched nothing
/// of them counts as settled, so that yet another owner finds it too.
boost::asio::awaitable<void> MessageService::take_up(std::vector<ShardGrant> grants,
                                                     Served served) {
  std::vector<ShardId> shards;
  for (const auto& grant : grants) shards.push_back(grant.shard);
  const auto settled = co_await until_done(
      shared_.loading, "how far they are settled",
      [this, shards, now = shared_.hybrid.now()] { return settled_of(*duties_, shards, now); },
      [&] { return has_any(grants); });
  if (!settled) co_return;
  std::vector<std::vector<ShardGrant>> parts(owners_.size());
  for (const auto& grant : grants)
    if (has(grant)) parts[home(grant.shard)].push_back(grant);
  for (std::size_t i = 0; i < owners_.size(); ++i)
    boost::asio::post(shared_.loops.at(i),
                      [owner = owners_[i].get(), part = std::move(parts[i]), served] {
                        for (const auto& grant : part) {
                          owner->gain(grant.shard, grant.generation);
                          served(grant);
                        }
                      });
  to_look_back_.push_back({std::move(grants), *settled});
  if (to_look_back_.size() == 1) gate_.spawn([this] { return look_back(); });
}

/// Finds and watches what the last owners of shards may not have seen to its end. Each conversation
/// is read for that, and its tail committed again: a few at a time, so that those in which people
/// talk meanwhile are hardly slower for it.
boost::asio::awaitable<void> MessageService::look_back() {
  pace_.expires_after(kFirstServe);
  co_await pace_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  for (; !to_look_back_.empty(); to_look_back_.pop_front()) {
    const auto& [grants, settled] = to_look_back_.front();
    std::vector<ShardTime> since;
    for (const auto& [shard, time] : settled)
      since.push_back({shard, TimeMs(time.value - kMargin)});
    const auto touched = co_await until_done(
        *looking_back_, "what their last owners left",
        [this, since] { return duties_->touched(since); }, [&] { return has_any(grants); });
    if (touched) co_await rewatch_slowly(*touched, to_look_back_.front());
  }
}

boost::asio::awaitable<void> MessageService::rewatch_slowly(std::vector<ConversationId> touched,
                                                            LookBack of) {
  const auto oldest = std::ranges::min_element(of.settled, {}, &ShardTime::time)->time;
  auto open = std::make_shared<std::size_t>(1);  // on loop 0, as all of this
  const auto watched = [this, of, open] {
    if (--*open != 0) return;
    for (std::size_t i = 0; i < of.grants.size(); ++i)
      if (has(of.grants[i])) tenures_[of.grants[i].shard].settled = of.settled[i].time;
  };
  while (!touched.empty() && !closing_) {
    std::set<ShardId> kept;
    for (const auto& grant : of.grants)
      if (has(grant)) kept.insert(grant.shard);
    std::vector<ConversationId> some;
    for (; !touched.empty() && some.size() < kWatchedAtOnce; touched.pop_back())
      if (kept.contains(shard_of(touched.back()))) some.push_back(touched.back());
    // One that cannot be read is tried again by its owner, and does not hold up the others for
    // long.
    pace_.expires_after(kWatchedWithin);
    ++*open;
    rewatch(some, static_cast<std::uint64_t>(oldest.value) + 1, [this, watched] {
      boost::asio::post(shared_.loops.at(0), [this, watched] {
        pace_.cancel();
        watched();
      });
    });
    co_await pace_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  if (touched.empty()) watched();
}

/// Stores how far everything is decided, of the shards where that has moved.
boost::asio::awaitable<void> MessageService::keep_settled() {
  // Read before the owners' words, so that an entry committed meanwhile is later.
  auto decided = static_cast<std::uint64_t>(shared_.hybrid.now().value);
  for (const auto& owner : owners_) decided = std::min(decided, owner->undecided_from() - 1);
  const TimeMs until(static_cast<std::int64_t>(decided));
  std::vector<std::pair<ShardId, Generation>> moved;
  std::vector<ShardId> shards;
  for (const auto& [shard, tenure] : tenures_)
    if (tenure.settled && tenure.settled < until &&
        (tenure.settled.value < shared_.last_commit[shard.value] ||
         until.value - tenure.settled.value > kIdle)) {
      moved.emplace_back(shard, tenure.generation);
      shards.push_back(shard);
    }
  const auto stored = co_await run_blocking(
      shared_.loading, [this, shards, until] { return duties_->set_settled(shards, until); });
  if (!stored) log::warn("message", "what is done is not noted: {}", stored.error().message);
  for (const auto& [shard, generation] : moved)
    if (const auto tenure = tenures_.find(shard);
        stored && tenure != tenures_.end() && tenure->second.generation == generation)
      tenure->second.settled = until;
  keep_position();
}

}  // namespace parley::message
