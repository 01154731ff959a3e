// The contract is worth something only if it finds what is wrong: each of these adapters breaks a
// promise, and the suite must say so.
#include "tests/contract/groups/adapters.h"
#include "tests/support/contract/failures.h"

namespace parley::test {
namespace {

std::vector<std::string> broken_promises(auto make) {
  std::vector<std::string> broken;
  for (const auto& promise : group_promises()) {
    const auto failures = failures_of([&] {
      auto store = make();
      promise.holds(*store);
    });
    if (!failures.empty()) broken.emplace_back(promise.name);
  }
  return broken;
}

/// The right one, to be made wrong in one place.
class Inner : public GroupStore {
 public:
  Result<Group> create(const Group& g, std::string_view r, const GroupChange& c) override {
    return inner_.create(g, r, c);
  }
  Result<void> apply(GroupId g, UserId a, const GroupChange& c, TimeMs now) override {
    return inner_.apply(g, a, c, now);
  }
  Result<std::optional<GroupWithRole>> find(GroupId g, UserId u) override {
    return inner_.find(g, u);
  }
  Result<std::vector<GroupMember>> roles(GroupId g, const std::vector<UserId>& u) override {
    return inner_.roles(g, u);
  }
  Result<std::vector<GroupMember>> members(GroupId g, UserId after, std::size_t limit) override {
    return inner_.members(g, after, limit);
  }
  Result<std::vector<GroupWithRole>> of(UserId u, GroupId after, std::size_t limit) override {
    return inner_.of(u, after, limit);
  }
  Result<std::vector<GroupOutboxRow>> outbox(std::size_t limit) override {
    return inner_.outbox(limit);
  }
  Result<void> appended(GroupId g, std::uint64_t version) override {
    return inner_.appended(g, version);
  }
  Result<std::uint64_t> last_id() override { return inner_.last_id(); }

 protected:
  parley::groups::MemoryGroupStore inner_;
};

template <class Store>
class Wrong : public GroupsUnderTest {
 public:
  GroupStore& groups() override { return *store_; }
  void reopen() override {
    if constexpr (std::is_same_v<Store, parley::groups::MemoryGroupStore>)
      store_ = std::make_unique<Store>();
  }

 private:
  std::unique_ptr<Store> store_ = std::make_unique<Store>();
};

/// Answers, and has nothing of it after a restart.
using Forgets = parley::groups::MemoryGroupStore;

/// Stores a change for whatever version it was judged.
class LastOneWins final : public Inner {
 public:
  Result<void> apply(GroupId g, UserId a, const GroupChange& c, TimeMs now) override {
    auto result = Inner::apply(g, a, c, now);
    if (result || result.error().code != Code::conflict) return result;
    return {};
  }
};

/// Stores a change without its outbox row, so a crash leaves it out of the log.
class LosesTheOutbox final : public Inner {
 public:
  Result<void> apply(GroupId g, UserId a, const GroupChange& c, TimeMs now) override {
    PARLEY_TRY_VOID(Inner::apply(g, a, c, now));
    return appended(g, c.version);
  }
};

/// Makes a group for every call.
class MakesTwo final : public Inner {
 public:
  Result<Group> create(const Group& g, std::string_view, const GroupChange& c) override {
    return Inner::create(g, "", c);
  }
};

/// Takes who is not a member for a success.
class Shrugs final : public Inner {
 public:
  Result<void> apply(GroupId g, UserId a, const GroupChange& c, TimeMs now) override {
    auto result = Inner::apply(g, a, c, now);
    if (!result && result.error().field == "users") return {};
    return result;
  }
};

template <class Store>
std::vector<std::string> found_in() {
  return broken_promises([] { return std::make_unique<Wrong<Store>>(); });
}
using Names = std::vector<std::string>;

TEST(GroupsContractItself, FindsOneThatForgets) {
  EXPECT_EQ(found_in<Forgets>(), (Names{"EverythingOutlivesTheProcess"}));
}
TEST(GroupsContractItself, FindsOneThatOverwrites) {
  EXPECT_EQ(found_in<LastOneWins>(),
            (Names{"AChangeFollowsTheVersionBefore", "TheSameChangeAgainChangesNothing",
                   "OfManyThreadsOneMakesTheVersion"}));
}
TEST(GroupsContractItself, FindsOneThatLosesTheOutbox) {
  EXPECT_EQ(found_in<LosesTheOutbox>(),
            (Names{"AChangeFollowsTheVersionBefore", "TheSameChangeAgainChangesNothing",
                   "AChangeIsInTheOutboxUntilItIsAppended",
                   "TheOutboxRisesByGroupAndVersionUpToALimit", "EverythingOutlivesTheProcess"}));
}
TEST(GroupsContractItself, FindsOneThatMakesTwo) {
  EXPECT_EQ(found_in<MakesTwo>(),
            (Names{"ARequestMakesOneGroup", "ARequestAnswersTheGroupAsItIsNow",
                   "EverythingOutlivesTheProcess"}));
}
TEST(GroupsContractItself, FindsOneThatTakesStrangersForMembers) {
  EXPECT_EQ(found_in<Shrugs>(),
            (Names{"WhoIsAddedMustNotBeAMember", "WhomAChangeIsAboutMustBeAMember"}));
}
TEST(GroupsContractItself, FindsNothingInTheRightOne) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<MemoryGroupsUnderTest>(); }), Names{});
}

}  // namespace
}  // namespace parley::test
