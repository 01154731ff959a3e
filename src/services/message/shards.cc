// The shards that this process owns, where conversations have logs of their own.
#include <boost/asio.hpp>

#include "base/log.h"
#include "services/message/message_service.h"

namespace parley::message {
namespace {
constexpr std::int64_t kMargin = 10'000;  // ms, for clocks that differ and commits that took long
constexpr std::chrono::seconds kTryAgain{1};
}  // namespace

void MessageService::gain(ShardId shard, Generation generation) {
  boost::asio::post(shared_.loops.at(home(shard)), [this, shard, generation] {
    owners_[home(shard)]->gain(shard, generation);
    boost::asio::post(shared_.loops.at(0), [this, shard] {
      settled_[shard] = TimeMs(0);
      gate_.spawn([this, shard] { return take_up(shard); });
    });
  });
}

void MessageService::lose(ShardId shard, std::function<void()> done) {
  boost::asio::post(shared_.loops.at(0), [this, shard] { settled_.erase(shard); });
  boost::asio::post(shared_.loops.at(home(shard)), [this, shard, done = std::move(done)]() mutable {
    owners_[home(shard)]->lose(shard, std::move(done));
  });
}

/// Watches what the shard's last owner may not have seen to its end. Until that is known nothing of
/// the shard counts as settled, so that yet another owner finds it too.
boost::asio::awaitable<void> MessageService::take_up(ShardId shard) {
  while (settled_.contains(shard) && !closing_) {
    const auto found = co_await run_blocking(
        shared_.loops.pool(),
        [this, shard]() -> Result<std::pair<TimeMs, std::vector<ConversationId>>> {
          PARLEY_TRY(settled, duties_->settled(shard));
          PARLEY_TRY(touched, duties_->touched(shard, TimeMs(settled.value - kMargin)));
          return std::pair(settled, std::move(touched));
        });
    if (found) {
      auto direct = found->second;
      std::erase_if(direct, [](const auto& id) { return !id.is_direct(); });
      const auto position = static_cast<std::uint64_t>(found->first.value) + 1;
      rewatch(direct, position, [this, shard, settled = found->first] {
        boost::asio::post(shared_.loops.at(0), [this, shard, settled] {
          // What is watched by now holds `undecided_from` back.
          if (settled_.contains(shard)) settled_[shard] = std::max(settled, TimeMs(1));
        });
      });
      co_return;
    }
    log::warn("message", "shard {} is served, but what its last owner left is not known yet: {}",
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
  std::vector<ShardId> moved;
  for (const auto& [shard, stored] : settled_)
    if (stored && stored < until && stored.value < shared_.last_commit[shard.value])
      moved.push_back(shard);
  const auto stored =
      co_await run_blocking(shared_.loops.pool(), [this, moved, until]() -> Result<void> {
        for (const auto shard : moved) PARLEY_TRY_VOID(duties_->set_settled(shard, until));
        return {};
      });
  if (!stored) log::warn("message", "what is done is not noted: {}", stored.error().message);
  for (const auto shard : moved)
    if (const auto at = settled_.find(shard); stored && at != settled_.end()) at->second = until;
  keep_position();
}

}  // namespace parley::message
