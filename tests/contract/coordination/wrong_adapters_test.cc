// The contract is worth something only if it finds what is wrong: each of these adapters breaks a
// promise, and the suite must say so.
#include "tests/contract/coordination/adapters.h"
#include "tests/support/contract/failures.h"

namespace parley::test {
namespace {

std::vector<std::string> broken_promises(auto make) {
  std::vector<std::string> broken;
  for (const auto promises : {membership_promises(), lease_promises()})
    for (const auto& promise : promises) {
      const auto failures = failures_of([&] { promise.holds(*make()); });
      if (!failures.empty()) broken.emplace_back(promise.name);
    }
  return broken;
}

/// A client whose `shards` are others than its session's.
class Altered : public Client, public Coordination, protected ShardLeases {
 public:
  explicit Altered(std::unique_ptr<Client> inner) : inner_(std::move(inner)) {}
  Coordination& port() override { return *this; }
  void cut_off(bool cut) override { inner_->cut_off(cut); }

  Membership& membership() override { return inner_->port().membership(); }
  ShardLeases& shards() override { return *this; }
  NodeNumbers& node_numbers() override { return inner_->port().node_numbers(); }
  void listen(Listener listener) override { inner_->port().listen(std::move(listener)); }
  Result<TimeMs> now() override { return inner_->port().now(); }

 protected:
  Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) override {
    return inner().acquire(shards);
  }
  Result<void> release(std::span<const ShardId> shards) override { return inner().release(shards); }
  Result<ShardOwners> owners() override { return inner().owners(); }
  void watch(Changed changed) override { inner().watch(std::move(changed)); }

  ShardLeases& inner() { return inner_->port().shards(); }

 private:
  std::unique_ptr<Client> inner_;
};

/// A generation is the session's, not the shard's: it starts again with each process.
class CountsFromOne final : public Altered {
 public:
  using Altered::Altered;
  Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) override {
    auto grants = Altered::acquire(shards);
    if (grants)
      for (auto& grant : *grants) grant.generation = Generation(1);
    return grants;
  }
};

/// Leases are counted from when the answer came, or by nobody at all: they do not lapse.
class HoldsForEver final : public Altered {
 public:
  HoldsForEver(std::unique_ptr<Client> inner, const Clock& clock)
      : Altered(std::move(inner)), clock_(clock) {}
  Result<std::vector<ShardGrant>> acquire(std::span<const ShardId> shards) override {
    auto grants = Altered::acquire(shards);
    if (grants)
      for (auto& grant : *grants) {
        auto lease = std::make_shared<Lease>(clock_);
        lease->extend(Clock::Mono::max());
        grant.lease = lease;
      }
    return grants;
  }

 private:
  const Clock& clock_;
};

/// Who watches hears who comes and goes, but not what members say anew.
class TellsOnlyWhoIsThere final : public Altered, Membership {
 public:
  using Altered::Altered;
  Membership& membership() override { return *this; }

 private:
  Membership& all() { return Altered::membership(); }
  Result<void> join(const Member& member) override { return all().join(member); }
  Result<void> leave(std::string_view kind, std::string_view id) override {
    return all().leave(kind, id);
  }
  Result<std::vector<Member>> members(std::string_view kind) override {
    return all().members(kind);
  }
  void watch(std::string_view kind, Membership::Changed changed) override {
    const auto told = std::make_shared<std::optional<std::vector<std::string>>>();
    all().watch(kind, [told, changed = std::move(changed)](const std::vector<Member>& members) {
      std::vector<std::string> ids;
      for (const auto& member : members) ids.push_back(member.id);
      if (std::exchange(*told, ids) != ids) changed(members);
    });
  }
  using Altered::watch;
};

class With final : public MemoryUnderTest {
 public:
  using Make = std::function<std::unique_ptr<Client>(std::unique_ptr<Client>, const Clock&)>;
  explicit With(Make make) : make_(std::move(make)) {}
  std::unique_ptr<Client> connect(std::string process) override {
    return make_(MemoryUnderTest::connect(std::move(process)), clock());
  }

 private:
  Make make_;
};

TEST(CoordinationContractItself, FindsGenerationsThatStartAgain) {
  EXPECT_EQ(
      broken_promises([] {
        return std::make_unique<With>([](std::unique_ptr<Client> inner, const Clock&) {
          return std::make_unique<CountsFromOne>(std::move(inner));
        });
      }),
      (std::vector<std::string>{
          "AllShardsAtOnce", "AReleasedShardIsFreeAtOnce", "TakingOnesOwnAgainGivesANewGeneration",
          "GenerationsGrowAndNobodyShares", "ALeaseEndsBeforeAnotherCanHaveIt"}));
}

TEST(CoordinationContractItself, FindsALeaseThatDoesNotEnd) {
  EXPECT_EQ(broken_promises([] {
              return std::make_unique<With>([](std::unique_ptr<Client> inner, const Clock& clock) {
                return std::make_unique<HoldsForEver>(std::move(inner), clock);
              });
            }),
            std::vector<std::string>{"ALeaseEndsBeforeAnotherCanHaveIt"});
}

TEST(CoordinationContractItself, FindsAWatchThatMissesWhatMembersSayAnew) {
  EXPECT_EQ(broken_promises([] {
              return std::make_unique<With>([](std::unique_ptr<Client> inner, const Clock&) {
                return std::make_unique<TellsOnlyWhoIsThere>(std::move(inner));
              });
            }),
            (std::vector<std::string>{"WatchesTellEveryChangeInTheEnd",
                                      "WatchesAreRightHoweverManyChange"}));
}

TEST(CoordinationContractItself, FindsNothingInTheRightOne) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<MemoryUnderTest>(); }),
            std::vector<std::string>{});
}

}  // namespace
}  // namespace parley::test
