#include "adapters/coordination/zookeeper/slot_table.h"

#include "domain/conversation_id.h"

namespace parley::coordination {
namespace {

std::vector<std::uint32_t> numbers(std::span<const ShardId> shards) {
  std::vector<std::uint32_t> out;
  for (auto shard : shards) out.push_back(shard.value);
  return out;
}

}  // namespace

SlotTable::SlotTable(const Session& session, std::string node, std::size_t count)
    : session_(session), node_(session.path(node)), table_(count, session.settings().times) {}

Result<std::int32_t> SlotTable::read(const Session::Present& session, bool watch) {
  // The table first: a holder that is missing from a list of sessions read later is gone, because
  // it was there before it could take anything. One server's answers to one session never step
  // back.
  Handle::Value value;
  std::vector<std::string> live;
  auto result = session.handle->get(node_, value, watch);
  if (result == Zk::ok) result = session.handle->children(session_.path("/sessions"), live, watch);
  if (result != Zk::ok) return std::unexpected(zk_error(result, "reading who holds what"));
  PARLEY_TRY_VOID(table_.assign(value.data));
  table_.see(live, mono());
  return value.version;
}

Result<void> SlotTable::change(std::string_view what, const Change& change) {
  const auto end = mono() + session_.settings().session_timeout;
  const std::lock_guard lock(mutex_);
  for (;;) {
    PARLEY_TRY(session, session_.present());
    auto version = read(session, false);
    Zk written = Zk::lost;
    if (version) {
      if (!change(table_, session)) return {};
      written = session.handle->set(node_, table_.text(), *version);
      if (written == Zk::ok) return {};
      if (written != Zk::lost && written != Zk::bad_version)
        return std::unexpected(zk_error(written, what));
    } else if (version.error().code != Code::unavailable) {
      return std::unexpected(version.error());
    }
    if (mono() > end) return std::unexpected(zk_error(Zk::lost, what));
    if (written == Zk::lost) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<std::vector<ShardOwner>> SlotTable::owners(bool watch) {
  const std::lock_guard lock(mutex_);
  PARLEY_TRY(session, session_.present());
  PARLEY_TRY_VOID(read(session, watch));
  return table_.owners(mono());
}

ZookeeperShardLeases::ZookeeperShardLeases(const Session& session, Watches& watches)
    : watches_(watches),
      table_(session, "/shards", kShards),
      process_(session.settings().process) {}

Result<std::vector<ShardGrant>> ZookeeperShardLeases::acquire(std::span<const ShardId> shards) {
  const auto wanted = numbers(shards);
  std::vector<ShardGrant> grants;
  PARLEY_TRY_VOID(
      table_.change("taking shards", [&](slots::Slots& table, const Session::Present& session) {
        grants.clear();
        for (const auto& taken : table.take(wanted, session.id, process_, table_.mono()))
          grants.push_back({ShardId(taken.slot), taken.generation, session.lease});
        return !grants.empty();
      }));
  return grants;
}

Result<void> ZookeeperShardLeases::release(std::span<const ShardId> shards) {
  const auto given = numbers(shards);
  return table_.change("releasing shards",
                       [&](slots::Slots& table, const Session::Present& session) {
                         return table.give(given, session.id);
                       });
}

void ZookeeperShardLeases::watch(Changed changed) {
  auto told = std::make_shared<std::optional<ShardOwners>>();
  watches_.add(table_.watched_paths(),
               [this, told, changed = std::move(changed)](const Watches::Changes&) -> Result<void> {
                 PARLEY_TRY(now, table_.owners(true));
                 if (*told && slots::same_owners(**told, now)) return {};
                 *told = now;
                 changed(now);
                 return {};
               });
}

ZookeeperNodeNumbers::ZookeeperNodeNumbers(const Session& session)
    : session_(session), table_(session, "/node_numbers", kNodeNumbers) {}

Result<NodeNumber> ZookeeperNodeNumbers::claim(std::optional<std::uint32_t> wanted) {
  const std::lock_guard lock(mutex_);
  Result<std::uint32_t> number = 0;
  std::shared_ptr<const Lease> lease;
  PARLEY_TRY_VOID(table_.change(
      "claiming a node number", [&](slots::Slots& table, const Session::Present& session) {
        if (std::exchange(claimed_in_, session.id) != session.id) claimed_.clear();
        // The session's own that no caller knows of: from a claim whose answer was lost.
        std::vector<std::uint32_t> unknown;
        for (std::uint32_t i = 0; i < table.size(); ++i)
          if (table.at(i).session == session.id && !claimed_.contains(i)) unknown.push_back(i);
        const bool any = table.give(unknown, session.id);
        number = table.take_one(wanted, session.id, session_.settings().process, table_.mono(),
                                session_.settings().session_timeout);
        lease = session.lease;
        return any || number.has_value();
      }));
  PARLEY_TRY(claimed, std::move(number));
  claimed_.insert(claimed);
  return NodeNumber{claimed, std::move(lease)};
}

Result<void> ZookeeperNodeNumbers::release(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  PARLEY_TRY_VOID(table_.change("releasing a node number",
                                [&](slots::Slots& table, const Session::Present& session) {
                                  return table.give({&number, 1}, session.id);
                                }));
  claimed_.erase(number);
  return {};
}

}  // namespace parley::coordination
