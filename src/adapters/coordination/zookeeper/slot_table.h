#pragma once
#include <set>

#include "adapters/coordination/zookeeper/session.h"
#include "adapters/coordination/zookeeper/watches.h"

namespace parley::coordination {

/// A table of slots as one persistent node, changed by compare and set of its version. Any thread.
class SlotTable {
 public:
  /// `node` is its path below the prefix.
  SlotTable(const Session& session, std::string node, std::size_t count);

  /// Reads the table and who lives, lets `change` alter the table for the session (false: nothing
  /// to write), and writes it; again from the start whenever another came first or the outcome is
  /// unknown. So `change` may run several times, the last of which took effect.
  using Change = std::function<bool(slots::Slots& table, const Session::Present& session)>;
  Result<void> change(std::string_view what, const Change& change);
  /// As last read, read anew.
  Result<std::vector<ShardOwner>> owners(bool watch);

  std::vector<std::string> watched_paths() const { return {node_, session_.path("/sessions")}; }
  Clock::Mono mono() const { return session_.clock().mono(); }

 private:
  Result<std::int32_t> read(const Session::Present& session, bool watch);

  const Session& session_;
  const std::string node_;
  std::mutex mutex_;
  slots::Slots table_;
};

class ZookeeperShardLeases final : public ShardLeases {
 public:
  ZookeeperShardLeases(const Session& session, Watches& watches);
  Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) override;
  Result<void> release(std::span<const ShardId> shards) override;
  Result<ShardOwners> owners() override { return table_.owners(false); }
  void watch(Changed changed) override;

 private:
  Watches& watches_;
  SlotTable table_;
  std::string process_;
};

class ZookeeperNodeNumbers final : public NodeNumbers {
 public:
  explicit ZookeeperNodeNumbers(const Session& session);
  Result<NodeNumber> claim(std::optional<std::uint32_t> wanted) override;
  Result<void> release(std::uint32_t number) override;

 private:
  const Session& session_;
  SlotTable table_;
  std::mutex mutex_;
  std::string claimed_in_;           // the session of `claimed_`
  std::set<std::uint32_t> claimed_;  // what callers know that they hold
};

}  // namespace parley::coordination
