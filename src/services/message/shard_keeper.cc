#include "services/message/shard_keeper.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread.h"
#include "domain/shard_spread.h"

namespace parley::message {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // before what failed is tried again

}  // namespace

ShardKeeper::ShardKeeper(Coordination& coordination, Settings settings, Callbacks callbacks)
    : coordination_(coordination),
      settings_(std::move(settings)),
      callbacks_(std::move(callbacks)) {}

void ShardKeeper::start() {
  const auto look_again = [shared = shared_] {
    const std::lock_guard lock(shared->mutex);
    shared->changed = true;
    shared->wake.notify_all();
  };
  coordination_.listen([look_again](SessionEvent) { look_again(); });
  coordination_.shards().watch([look_again](const ShardOwners&) { look_again(); });
  coordination_.membership().watch(settings_.kind,
                                   [shared = shared_](const std::vector<Member>& members) {
                                     const std::lock_guard lock(shared->mutex);
                                     shared->members = members;
                                     shared->changed = true;
                                     shared->wake.notify_all();
                                   });
  thread_ = std::thread([this] {
    name_thread("shard-keeper");
    run();
  });
}

ShardKeeper::~ShardKeeper() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->wake.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ShardKeeper::give_up(ShardId shard, Generation generation) {
  const std::lock_guard lock(shared_->mutex);
  shared_->given_up.emplace_back(shard, generation);
  shared_->changed = true;
  shared_->wake.notify_all();
}

bool ShardKeeper::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(shared_->mutex);
  shared_->draining = true;
  shared_->changed = true;
  shared_->empty = false;
  shared_->wake.notify_all();
  return shared_->wake.wait_for(lock, limit, [this] { return shared_->empty; });
}

void ShardKeeper::run() {
  for (;;) {
    std::optional<std::chrono::milliseconds> again;
    if (auto looked = look()) {
      again = *looked;
    } else {
      log::debug("shards", "event=look_failed reason={}", looked.error().message);
      again = kPause;
    }
    std::unique_lock lock(shared_->mutex);
    const auto due = [this] { return shared_->changed || shared_->stopping; };
    if (again)
      shared_->wake.wait_for(lock, *again, due);
    else
      shared_->wake.wait(lock, due);
    if (shared_->stopping) return;
    shared_->changed = false;
  }
}

Result<std::optional<std::chrono::milliseconds>> ShardKeeper::look() {
  std::vector<std::string> members;
  bool draining = false;
  {
    const std::lock_guard lock(shared_->mutex);
    draining = shared_->draining;
    for (const auto& [shard, generation] : std::exchange(shared_->given_up, {}))
      if (const auto held = held_.find(shard);
          held != held_.end() && held->second.grant.generation == generation)
        held->second.over = true;
    if (shared_->members)
      for (const auto& member : *shared_->members) members.push_back(member.id);
    for (const auto& each : std::exchange(shared_->done, {})) to_release_.push_back(each);
  }
  drop_lost();
  PARLEY_TRY_VOID(release_done());
  std::optional<std::chrono::milliseconds> again;
  const auto self = std::ranges::lower_bound(members, settings_.process);
  const bool listed = self != members.end() && *self == settings_.process;
  if (!listed && !draining) return again;

  // Read anew: what a watch told may be older than what this thread has done since.
  PARLEY_TRY(owners, coordination_.shards().owners());
  std::vector<std::string> names;
  for (const auto& owner : owners) names.push_back(owner.process);
  const auto target = spread_shards(names, members);
  const auto own = static_cast<std::size_t>(self - members.begin());
  std::vector<ShardId> take;
  std::vector<ShardId> give;
  std::vector<ShardId> stray;  // this session's, by a call whose answer was lost
  std::size_t yielding = 0;
  for (std::uint32_t i = 0; i < owners.size(); ++i) {
    const ShardId shard(i);
    const bool wanted = !draining && target[i] == own;
    const auto held = held_.find(shard);
    if (held != held_.end()) {
      yielding += held->second.yielding ? 1 : 0;
      if ((!wanted || held->second.over) && !held->second.yielding) give.push_back(shard);
      continue;
    }
    const auto& owner = owners[i];
    const bool unknown = owner.process == settings_.process && !owner.free_in;
    if (wanted && (owner.free() || unknown))
      take.push_back(shard);
    else if (wanted && owner.free_in)
      again = std::min(again.value_or(*owner.free_in), *owner.free_in);
    else if (unknown)
      stray.push_back(shard);
  }
  if (!take.empty()) {
    PARLEY_TRY(grants, coordination_.shards().acquire(take));
    for (const auto& grant : grants) held_.insert_or_assign(grant.shard, Held{grant});
    if (!grants.empty()) callbacks_.gained(std::move(grants));
  }
  if (!stray.empty()) PARLEY_TRY_VOID(coordination_.shards().release(stray));
  give.resize(std::min(give.size(),
                       settings_.yielded_at_once - std::min(yielding, settings_.yielded_at_once)));
  if (!give.empty()) yield(std::move(give));
  if (draining && held_.empty()) {
    const std::lock_guard lock(shared_->mutex);
    shared_->empty = true;
    shared_->wake.notify_all();
  }
  return again;
}

void ShardKeeper::drop_lost() {
  std::vector<ShardId> lost;
  for (auto it = held_.begin(); it != held_.end();) {
    if (it->second.grant.lease->ended()) {
      lost.push_back(it->first);
      it = held_.erase(it);
    } else {
      ++it;
    }
  }
  if (!lost.empty()) callbacks_.lost(std::move(lost));
}

Result<void> ShardKeeper::release_done() {
  // A generation that is not held any more was lost meanwhile, and perhaps taken again.
  std::vector<ShardId> shards;
  for (const auto& [shard, generation] : to_release_) {
    const auto held = held_.find(shard);
    if (held != held_.end() && held->second.grant.generation == generation) shards.push_back(shard);
  }
  if (!shards.empty()) PARLEY_TRY_VOID(coordination_.shards().release(shards));
  for (auto shard : shards) held_.erase(shard);
  to_release_.clear();
  return {};
}

void ShardKeeper::yield(std::vector<ShardId> shards) {
  std::vector<std::pair<ShardId, Generation>> yielded;
  for (auto shard : shards) {
    auto& held = held_.at(shard);
    held.yielding = true;
    yielded.emplace_back(shard, held.grant.generation);
  }
  callbacks_.yield(std::move(shards), [shared = shared_, yielded = std::move(yielded)] {
    const std::lock_guard lock(shared->mutex);
    shared->done.insert(shared->done.end(), yielded.begin(), yielded.end());
    shared->changed = true;
    shared->wake.notify_all();
  });
}

}  // namespace parley::message
