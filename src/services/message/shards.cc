// The shards that this process owns, where conversations have logs of their own.
#include <boost/asio.hpp>

#include "base/log.h"
#include "services/message/message_service.h"

namespace parley::message {
namespace {
constexpr std::int64_t kMargin = 10'000;  // ms, for clocks that differ and commits that took long
// How far back a new owner may have to look in a shard of which nobody spoke meanwhile.
constexpr std::int64_t kIdle = 600'000;
constexpr std::chrono::seconds kTryAgain{1};

/// `call()` on the pool, again until it succeeds or `wanted()` no more: then nothing. On a loop.
template <class Call, class Wanted>
auto until_done(boost::asio::thread_pool& pool, const char* what, ShardId shard, Call call,
                Wanted wanted)
    -> boost::asio::awaitable<std::optional<typename std::invoke_result_t<Call>::value_type>> {
  while (wanted()) {
    auto found = co_await run_blocking(pool, call);
    if (!wanted()) break;
    if (found) co_return *std::move(found);
    log::warn("message", "shard {}: {} is not known, asking again: {}", shard.value, what,
              found.error().message);
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor, kTryAgain);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  co_return std::nullopt;
}
}  // namespace

void MessageService::gain(ShardId shard, Generation generation, std::function<void()> served) {
  boost::asio::post(shared_.loops.at(0), [this, shard, generation, served = std::move(served)] {
    tenures_[shard] = {generation};
    gate_.spawn([this, shard, generation, served] { return take_up(shard, generation, served); });
  });
}

void MessageService::use_nodes(const std::vector<std::uint32_t>& nodes) {
  for (std::size_t i = 0; i < owners_.size(); ++i)
    boost::asio::post(shared_.loops.at(i),
                      [owner = owners_[i].get(), node = nodes.at(i)] { owner->use_node(node); });
}

void MessageService::lose(ShardId shard, std::function<void()> done) {
  boost::asio::post(shared_.loops.at(0), [this, shard, done = std::move(done)]() mutable {
    tenures_.erase(shard);
    boost::asio::post(shared_.loops.at(home(shard)),
                      [this, shard, done = std::move(done)]() mutable {
                        owners_[home(shard)]->lose(shard, std::move(done));
                      });
  });
}

/// Serves the shard, then finds and watches what its last owner may not have seen to its end. Until
/// that is watched nothing of the shard counts as settled, so that yet another owner finds it too.
boost::asio::awaitable<void> MessageService::take_up(ShardId shard, Generation generation,
                                                     std::function<void()> served) {
  const auto mine = [this, shard, generation] {
    const auto tenure = tenures_.find(shard);
    return tenure != tenures_.end() && tenure->second.generation == generation && !closing_;
  };
  const TimeMs now = shared_.hybrid.now();
  const auto settled = co_await until_done(
      shared_.loading, "how far it is settled", shard,
      [this, shard, now]() -> Result<TimeMs> {
        PARLEY_TRY(known, duties_->settled(shard));
        if (known) return known;
        // Its first owner: said before it is served, so that no later one has to look for more.
        PARLEY_TRY_VOID(duties_->set_settled(shard, now));
        return now;
      },
      mine);
  if (!settled) co_return;
  boost::asio::post(shared_.loops.at(home(shard)), [this, shard, generation, served] {
    owners_[home(shard)]->gain(shard, generation);
    served();
  });
  const auto touched = co_await until_done(
      *looking_back_, "what its last owner left", shard,
      [this, shard, since = TimeMs(settled->value - kMargin)] {
        return duties_->touched(shard, since);
      },
      mine);
  if (!touched) co_return;
  rewatch(*touched, static_cast<std::uint64_t>(settled->value) + 1, [this, shard, mine, settled] {
    boost::asio::post(shared_.loops.at(0), [this, shard, mine, settled] {
      if (mine()) tenures_[shard].settled = *settled;
    });
  });
}

/// Stores how far everything is decided, of the shards where that has moved.
boost::asio::awaitable<void> MessageService::keep_settled() {
  // Read before the owners' words, so that an entry committed meanwhile is later.
  auto decided = static_cast<std::uint64_t>(shared_.hybrid.now().value);
  for (const auto& owner : owners_) decided = std::min(decided, owner->undecided_from() - 1);
  const TimeMs until(static_cast<std::int64_t>(decided));
  std::vector<std::pair<ShardId, Generation>> moved;
  for (const auto& [shard, tenure] : tenures_)
    if (tenure.settled && tenure.settled < until &&
        (tenure.settled.value < shared_.last_commit[shard.value] ||
         until.value - tenure.settled.value > kIdle))
      moved.emplace_back(shard, tenure.generation);
  const auto stored =
      co_await run_blocking(shared_.loading, [this, moved, until]() -> Result<void> {
        for (const auto& [shard, generation] : moved)
          PARLEY_TRY_VOID(duties_->set_settled(shard, until));
        return {};
      });
  if (!stored) log::warn("message", "what is done is not noted: {}", stored.error().message);
  for (const auto& [shard, generation] : moved)
    if (const auto tenure = tenures_.find(shard);
        stored && tenure != tenures_.end() && tenure->second.generation == generation)
      tenure->second.settled = until;
  keep_position();
}

}  // namespace parley::message
