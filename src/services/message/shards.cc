// The shards that this process owns, where conversations have logs of their own.
#include <boost/asio.hpp>

#include "base/log.h"
#include "services/message/message_service.h"

namespace parley::message {
namespace {
constexpr std::int64_t kMargin = 10'000;  // ms, for clocks that differ and commits that took long
constexpr std::chrono::seconds kTryAgain{1};
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

/// Serves the shard, and watches what its last owner may not have seen to its end. Until that is
/// watched nothing of the shard counts as settled, so that yet another owner finds it too.
boost::asio::awaitable<void> MessageService::take_up(ShardId shard, Generation generation,
                                                     std::function<void()> served) {
  const auto mine = [this, shard, generation] {
    const auto tenure = tenures_.find(shard);
    return tenure != tenures_.end() && tenure->second.generation == generation && !closing_;
  };
  const TimeMs now = shared_.hybrid.now();
  while (mine()) {
    const auto found = co_await run_blocking(
        shared_.loading,
        [this, shard, now]() -> Result<std::pair<TimeMs, std::vector<ConversationId>>> {
          PARLEY_TRY(settled, duties_->settled(shard));
          if (!settled) {
            // Its first owner: said before it is served, so that no later one has to look for more.
            PARLEY_TRY_VOID(duties_->set_settled(shard, now));
            return std::pair(now, std::vector<ConversationId>());
          }
          PARLEY_TRY(touched, duties_->touched(shard, TimeMs(settled.value - kMargin)));
          return std::pair(settled, std::move(touched));
        });
    if (!mine()) co_return;
    if (found) {
      boost::asio::post(shared_.loops.at(home(shard)), [this, shard, generation] {
        owners_[home(shard)]->gain(shard, generation);
      });
      const auto position = static_cast<std::uint64_t>(found->first.value) + 1;
      rewatch(found->second, position, [this, shard, mine, settled = found->first] {
        boost::asio::post(shared_.loops.at(0), [this, shard, mine, settled] {
          if (mine()) tenures_[shard].settled = settled;
        });
      });
      // After what was posted to the shard's loop.
      boost::asio::post(shared_.loops.at(home(shard)), served);
      co_return;
    }
    log::warn("message", "shard {} is not served yet: what its last owner left is not known: {}",
              shard.value, found.error().message);
    boost::asio::steady_timer pause(shared_.loops.at(0), kTryAgain);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
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
        tenure.settled.value < shared_.last_commit[shard.value])
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
