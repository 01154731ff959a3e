// What GroupStore promises (src/ports/groups.h), held by every adapter.
#include "tests/contract/groups/adapters.h"

namespace parley::test {
namespace {

struct Adapter {
  const char* name;
  std::unique_ptr<GroupsUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<GroupsUnderTest> {
       return std::make_unique<MemoryGroupsUnderTest>();
     }},
    {"Sqlite",
     []() -> std::unique_ptr<GroupsUnderTest> {
       return std::make_unique<SqliteGroupsUnderTest>();
     }},
    {"Mysql",
     []() -> std::unique_ptr<GroupsUnderTest> { return std::make_unique<MysqlGroupsUnderTest>(); }},
};

class GroupsContract : public testing::TestWithParam<std::tuple<Adapter, GroupPromise>> {};

TEST_P(GroupsContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}
INSTANTIATE_TEST_SUITE_P(Groups, GroupsContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(group_promises().begin(),
                                                            group_promises().end())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace parley::test
