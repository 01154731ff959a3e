#include "adapters/coordination/memory/coordination.h"

#include <algorithm>

namespace parley::coordination {

MemoryCoordination::MemoryCoordination(MemoryCoordinator& coordinator, std::string process)
    : coordinator_(coordinator) {
  place_.process = std::move(process);
  const std::lock_guard lock(coordinator_.mutex_);
  coordinator_.places_.push_back(&place_);
  coordinator_.open_session(place_);
}

MemoryCoordination::~MemoryCoordination() {
  const std::lock_guard no_callback(coordinator_.calling_);
  const std::lock_guard lock(coordinator_.mutex_);
  if (place_.lease) place_.lease->end();
  std::erase(coordinator_.places_, &place_);
  // One that is cut off cannot say that it closes.
  if (!place_.stalled) coordinator_.end_session(place_.session);
}

void MemoryCoordination::listen(Listener listener) {
  const std::lock_guard lock(coordinator_.mutex_);
  std::erase(place_.untold, SessionEvent::opened);
  place_.listeners.push_back(listener);
  if (place_.lease && place_.lease->certainly_holds()) listener(SessionEvent::opened);
}

Result<void> MemoryCoordination::reachable() const {
  if (place_.stalled || !place_.lease || !coordinator_.sessions_.contains(place_.session))
    return fail(Code::unavailable, "the coordinator cannot be reached");
  return {};
}

Result<TimeMs> MemoryCoordination::now() {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  return coordinator_.clock_.wall();
}

void MemoryCoordination::stall(bool stalled) {
  const std::lock_guard lock(coordinator_.mutex_);
  place_.stalled = stalled;
}

Result<void> MemoryCoordination::join(const Member& member) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  PARLEY_TRY_VOID(coordinator_.put(place_, member));
  std::erase_if(place_.own,
                [&](const Member& own) { return own.kind == member.kind && own.id == member.id; });
  place_.own.push_back(member);
  coordinator_.changed();
  return {};
}

Result<void> MemoryCoordination::leave(std::string_view kind, std::string_view id) {
  const std::lock_guard lock(coordinator_.mutex_);
  std::erase_if(place_.own, [&](const Member& own) { return own.kind == kind && own.id == id; });
  PARLEY_TRY_VOID(reachable());
  const auto at = coordinator_.members_.find({std::string(kind), std::string(id)});
  if (at != coordinator_.members_.end() && at->second.session == place_.session)
    coordinator_.members_.erase(at);
  coordinator_.changed();
  return {};
}

Result<std::vector<Member>> MemoryCoordination::members(std::string_view kind) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  return coordinator_.list(kind);
}

void MemoryCoordination::watch(std::string_view kind, Membership::Changed changed) {
  const std::lock_guard lock(coordinator_.mutex_);
  auto& watch = *place_.watches.emplace_back(std::make_shared<MemoryCoordinator::Watch>());
  watch.kind = kind;
  watch.members = std::move(changed);
  coordinator_.changed();
}

void MemoryCoordination::watch(ShardLeases::Changed changed) {
  const std::lock_guard lock(coordinator_.mutex_);
  place_.watches.emplace_back(std::make_shared<MemoryCoordinator::Watch>())->owners =
      std::move(changed);
  coordinator_.changed();
}

Result<std::vector<ShardGrant>> MemoryCoordination::acquire(std::span<const ShardId> shards) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  std::vector<std::uint32_t> wanted;
  for (auto shard : shards) wanted.push_back(shard.value);
  std::vector<ShardGrant> grants;
  for (const auto& taken :
       coordinator_.shards_.take(wanted, place_.session, place_.process, coordinator_.mono()))
    grants.push_back({ShardId(taken.slot), taken.generation, place_.lease});
  coordinator_.changed();
  return grants;
}

Result<void> MemoryCoordination::release(std::span<const ShardId> shards) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  std::vector<std::uint32_t> given;
  for (auto shard : shards) given.push_back(shard.value);
  coordinator_.shards_.give(given, place_.session);
  coordinator_.changed();
  return {};
}

Result<ShardOwners> MemoryCoordination::owners() {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  return coordinator_.shards_.owners(coordinator_.mono());
}

Result<NodeNumber> MemoryCoordination::claim(std::optional<std::uint32_t> wanted) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  PARLEY_TRY(number, coordinator_.nodes_.take_one(wanted, place_.session, place_.process,
                                                  coordinator_.mono(),
                                                  coordinator_.settings_.session_timeout));
  return NodeNumber{number, place_.lease};
}

Result<void> MemoryCoordination::release(std::uint32_t number) {
  const std::lock_guard lock(coordinator_.mutex_);
  PARLEY_TRY_VOID(reachable());
  coordinator_.nodes_.give({&number, 1}, place_.session);
  return {};
}

}  // namespace parley::coordination
