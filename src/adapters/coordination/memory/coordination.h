#pragma once
#include "adapters/coordination/memory/coordinator.h"

namespace parley::coordination {

/// One process's session. The coordinator outlives it; must not be destroyed from a callback.
class MemoryCoordination final : public Coordination, Membership, ShardLeases, NodeNumbers {
 public:
  MemoryCoordination(MemoryCoordinator& coordinator, std::string process);
  ~MemoryCoordination() override;

  Membership& membership() override { return *this; }
  ShardLeases& shards() override { return *this; }
  NodeNumbers& node_numbers() override { return *this; }
  void listen(Listener listener) override;
  Result<TimeMs> now() override;

  /// For tests: cut off from the coordinator, or reached again.
  void stall(bool stalled);

 private:
  Result<void> join(const Member& member) override;
  Result<void> leave(std::string_view kind, std::string_view id) override;
  Result<std::vector<Member>> members(std::string_view kind) override;
  void watch(std::string_view kind, Membership::Changed changed) override;

  Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) override;
  Result<void> release(std::span<const ShardId> shards) override;
  Result<ShardOwners> owners() override;
  void watch(ShardLeases::Changed changed) override;

  Result<NodeNumber> claim(std::optional<std::uint32_t> wanted) override;
  Result<void> release(std::uint32_t number) override;

  /// Whether this process has a session that the coordinator knows too.
  Result<void> reachable() const;

  MemoryCoordinator& coordinator_;
  MemoryCoordinator::Place place_;
};

}  // namespace parley::coordination
