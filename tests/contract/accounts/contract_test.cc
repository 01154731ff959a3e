// What AccountStore, DeviceStore and SecretStore promise (src/ports/accounts.h), held by every
// adapter.
#include "tests/contract/accounts/adapters.h"

namespace parley::test {
namespace {

struct Adapter {
  const char* name;
  std::unique_ptr<AccountsUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<AccountsUnderTest> { return std::make_unique<MemoryUnderTest>(); }},
    {"Sqlite",
     []() -> std::unique_ptr<AccountsUnderTest> { return std::make_unique<SqliteUnderTest>(); }},
    {"Mysql",
     []() -> std::unique_ptr<AccountsUnderTest> { return std::make_unique<MysqlUnderTest>(); }},
};

class AccountsContract : public testing::TestWithParam<std::tuple<Adapter, Promise>> {};

TEST_P(AccountsContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}
INSTANTIATE_TEST_SUITE_P(Accounts, AccountsContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(account_promises().begin(),
                                                            account_promises().end())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name;
                         });

TEST(SqliteAccounts, AddsInBulkAllOrNothing) {
  TempFolder folder;
  auto stores = accounts_on_sqlite(folder.path() / "accounts").value();
  const std::vector people = {account(7, "ann"), account(8, "bob")};
  const std::vector phones = {device(20, 7, "a"), device(21, 8, "b")};
  ASSERT_TRUE(stores->add(people, "hash", phones));
  EXPECT_EQ(stores->accounts().by_name("bob").value(), people[1]);
  EXPECT_EQ(stores->accounts().password_hash(UserId(7)).value(), "hash");
  EXPECT_EQ(stores->devices().of(UserId(8)).value(), std::vector{phones[1]});
  EXPECT_EQ(stores->devices().last_id().value(), 21u);

  const std::vector more = {account(9, "cat"), account(10, "ann")};
  EXPECT_EQ(stores->add(more, "hash", {}).error().code, Code::already_exists);
  EXPECT_EQ(stores->accounts().by_name("cat").value(), std::nullopt);
}

}  // namespace
}  // namespace parley::test
