// The contract is worth something only if it finds what is wrong: each of these adapters breaks a
// promise, and the suite must say so.
#include <algorithm>

#include "tests/contract/accounts/adapters.h"
#include "tests/support/contract/failures.h"

namespace parley::test {
namespace {

std::vector<std::string> broken_promises(auto make) {
  std::vector<std::string> broken;
  for (const auto& promise : account_promises()) {
    const auto failures = failures_of([&] {
      auto stores = make();
      promise.holds(*stores);
    });
    if (!failures.empty()) broken.emplace_back(promise.name);
  }
  return broken;
}

/// Answers, and has nothing of it after a restart.
class Forgets final : public AccountsUnderTest {
 public:
  AccountStore& accounts() override { return stores_->accounts(); }
  DeviceStore& devices() override { return stores_->devices(); }
  SecretStore& secrets() override { return stores_->secrets(); }
  void reopen() override { stores_ = std::make_unique<parley::accounts::MemoryAccounts>(); }

 private:
  std::unique_ptr<parley::accounts::MemoryAccounts> stores_ =
      std::make_unique<parley::accounts::MemoryAccounts>();
};

/// Takes a refresh token for as long as anybody shows it, and gives an id to whoever asks for it.
class RotatesTwice final : public DeviceStore {
 public:
  Result<void> add(const AccountDevice& d) override {
    auto result = inner_.add(d);
    return result || result.error().code != Code::conflict ? result : Result<void>();
  }
  Result<std::optional<AccountDevice>> by_id(DeviceId id) override { return inner_.by_id(id); }
  Result<std::vector<AccountDevice>> of(UserId user) override { return inner_.of(user); }
  Result<bool> rotate(DeviceId id, std::string_view, const Refreshed& next) override {
    const std::lock_guard lock(mutex_);
    PARLEY_TRY(found, inner_.by_id(id));
    return found ? inner_.rotate(id, found->refresh_hash, next) : false;
  }
  Result<void> revoke(const RevokedDevice& d) override { return inner_.revoke(d); }
  Result<std::vector<RevokedDevice>> revoked(TimeMs now) override { return inner_.revoked(now); }
  Result<std::vector<RevokedDevice>> revoked_since(TimeMs since) override {
    return inner_.revoked_since(since);
  }
  Result<std::uint64_t> last_id() override { return inner_.last_id(); }

 private:
  std::mutex mutex_;
  parley::accounts::MemoryDeviceStore inner_;
};

/// Gives a name to everybody who asks for it, and stores what was made of what is not there any
/// more.
class SharesNames final : public AccountStore {
 public:
  Result<void> create(const Account& account, std::string_view hash) override {
    auto result = inner_.create(account, hash);
    if (result || result.error().code != Code::already_exists) return result;
    return {};
  }
  Result<std::optional<Account>> by_id(UserId id) override { return inner_.by_id(id); }
  Result<std::optional<Account>> by_name(std::string_view n) override { return inner_.by_name(n); }
  Result<std::string> password_hash(UserId id) override { return inner_.password_hash(id); }
  Result<bool> update(const Account& seen, const Account& wanted) override {
    const std::lock_guard lock(mutex_);
    PARLEY_TRY(found, inner_.by_id(seen.id));
    return inner_.update(found.value_or(seen), wanted);
  }
  Result<std::uint64_t> last_id() override { return inner_.last_id(); }

 private:
  std::mutex mutex_;
  parley::accounts::MemoryAccountStore inner_;
};

class AcceptsTwice final : public MemoryUnderTest {
 public:
  AccountStore& accounts() override { return accounts_; }
  DeviceStore& devices() override { return devices_; }

 private:
  SharesNames accounts_;
  RotatesTwice devices_;
};

TEST(AccountsContractItself, FindsOneThatForgets) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<Forgets>(); }),
            (std::vector<std::string>{"AccountsOutliveTheProcess", "DevicesOutliveTheProcess",
                                      "TheLastDeviceIdIsTheGreatestAlsoOfOneThatIsGone",
                                      "ASecretIsMadeOnceAndKept"}));
}

TEST(AccountsContractItself, FindsOneThatAcceptsTwice) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<AcceptsTwice>(); }),
            (std::vector<std::string>{
                "ANameBelongsToOne", "OfManyThreadsOneGetsTheName",
                "UpdateOfWhatWasChangedMeanwhileChangesNothing",
                "UpdateByWhoLostItsNameMeanwhileChangesNothing", "OfManyThreadsOneUpdates",
                "AddingAgainSucceedsAndChangesNothing", "TheIdOfARevokedDeviceIsNotGivenAgain",
                "OfManyThreadsOneGetsTheDeviceId", "RotateAcceptsATokenOnce",
                "OfManyThreadsOneRotates"}));
}

TEST(AccountsContractItself, FindsNothingInTheRightOne) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<MemoryUnderTest>(); }),
            std::vector<std::string>{});
}

}  // namespace
}  // namespace parley::test
