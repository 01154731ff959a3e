// What every SessionRegistry promises (src/ports/session_registry.h).
#include <gtest/gtest.h>

#include "tests/contract/session_registry/subject.h"

namespace parley::test {
namespace {
using Where = RegistryUnderTest::Where;

constexpr RegistryPromise kPromises[] = {
    {"FindsEveryGatewayOfAUser",
     [](RegistryUnderTest& t) {
       t.update(1, {{7, true}}).value();
       t.update(2, {{7, true}, {8, true}}).value();
       EXPECT_EQ(t.found({7, 8, 9}), (Where{{7, {1, 2}}, {8, {2}}}));
       EXPECT_EQ(t.found({}), Where{});
     }},
    {"LargeIdsAreIdsLikeOthers",
     [](RegistryUnderTest& t) {
       constexpr auto kLarge = ~std::uint64_t{0};
       EXPECT_EQ(t.update(kLarge, {{kLarge, true}}).value(), (Where{{kLarge, {kLarge}}}));
       EXPECT_EQ(t.found({kLarge}), (Where{{kLarge, {kLarge}}}));
     }},
    {"AddingTwiceChangesNothing",
     [](RegistryUnderTest& t) {
       t.update(1, {{7, true}}).value();
       t.update(1, {{7, true}}).value();
       EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
       t.update(1, {{7, false}}).value();
       EXPECT_EQ(t.found({7}), Where{});
       t.update(1, {{7, false}, {8, false}}).value();
       EXPECT_EQ(t.found({7, 8}), Where{});
     }},
    {"WhatIsSaidFirstIsDoneFirst",
     [](RegistryUnderTest& t) {
       t.update(1, {{7, true}, {7, false}, {8, false}, {8, true}}).value();
       EXPECT_EQ(t.found({7, 8}), (Where{{8, {1}}}));
     }},
    {"AFindKnowsWhatWasSaidJustBefore",
     [](RegistryUnderTest& t) {
       t.found({1});
       std::vector<std::size_t> rows;
       std::promise<void> done;
       t.on_loop([&] {
         const std::vector who{UserId(7)};
         for (int i = 0; i < 100; ++i) {
           t.registry().update(GatewayId(1), {{UserId(7), i % 2 == 0}}, false, [](auto) {});
           t.registry().find(who, [&](auto found) {
             rows.push_back(found.value().size());
             if (rows.size() == 100) done.set_value();
           });
         }
       });
       done.get_future().get();
       for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], i % 2 == 0 ? 1u : 0u) << i;
     }},
    {"ReportsWhereThoseWhoChangedAreNow",
     [](RegistryUnderTest& t) {
       EXPECT_EQ(t.update(1, {{7, true}, {8, true}}).value(), (Where{{7, {1}}, {8, {1}}}));
       EXPECT_EQ(t.update(2, {{7, true}}).value(), (Where{{7, {1, 2}}}));
       EXPECT_EQ(t.update(1, {{7, false}, {8, false}}).value(), (Where{{7, {2}}, {8, {}}}));
       EXPECT_EQ(t.update(1, {{7, true}}, false).value(), Where{});
     }},
    {"ManyUsersAreOneCall",
     [](RegistryUnderTest& t) {
       RegistryUnderTest::Changes all, odd;
       std::vector<std::uint64_t> users;
       Where expected;
       for (std::uint64_t user = 1; user <= 5'000; ++user) {
         users.push_back(user);
         all.emplace_back(user, true);
         if (user % 2)
           odd.emplace_back(user, false);
         else
           expected[user] = {1};
       }
       EXPECT_EQ(t.update(1, all).value().size(), users.size());
       t.update(1, odd).value();
       EXPECT_EQ(t.found(users), expected);
       auto removed = t.remove_gateway(1).value();
       for (const auto& [user, gateways] : expected) EXPECT_TRUE(removed.contains(user)) << user;
       EXPECT_EQ(t.found(users), Where{});
     }},
    {"ForgetsAGatewayWithAllItsUsers",
     [](RegistryUnderTest& t) {
       t.update(1, {{7, true}, {8, true}}).value();
       t.update(2, {{7, true}, {9, true}}).value();
       EXPECT_EQ(t.remove_gateway(1).value(), (Where{{7, {2}}, {8, {}}}));
       EXPECT_EQ(t.found({7, 8, 9}), (Where{{7, {2}}, {9, {2}}}));
       EXPECT_EQ(t.remove_gateway(1).value(), Where{});
       EXPECT_EQ(t.remove_gateway(2, false).value(), Where{});
       EXPECT_EQ(t.found({7, 8, 9}), Where{});
     }},
    {"AGatewayThatComesBackBeginsWithoutRows",
     [](RegistryUnderTest& t) {
       t.heartbeat(1).value();
       t.update(1, {{7, true}, {8, true}}).value();
       std::promise<void> removed;
       t.on_loop([&] {  // without waiting for the end of it
         t.registry().remove_gateway(GatewayId(1), true, [&](auto changed) {
           if (changed.value().empty()) removed.set_value();
         });
       });
       EXPECT_FALSE(t.heartbeat(1).value());
       EXPECT_EQ(t.update(1, {{8, true}, {9, true}}).value(), (Where{{8, {1}}, {9, {1}}}));
       removed.get_future().get();
       EXPECT_EQ(t.found({7, 8, 9}), (Where{{8, {1}}, {9, {1}}}));
       EXPECT_TRUE(t.heartbeat(1).value());
     }},
    {"AHeartbeatSaysWhetherTheGatewayIsKnown",
     [](RegistryUnderTest& t) {
       EXPECT_FALSE(t.heartbeat(1).value());
       EXPECT_TRUE(t.heartbeat(1).value());
       EXPECT_FALSE(t.heartbeat(2).value());
       t.remove_gateway(1).value();
       t.update(1, {{7, true}}).value();  // not all that it has to say
       EXPECT_FALSE(t.heartbeat(1).value());
       EXPECT_TRUE(t.heartbeat(1).value());
       EXPECT_EQ(t.found({7}), (Where{{7, {1}}})) << "to say hello takes nothing away";
     }},
    {"WhoForgotEverythingSaysSo",
     [](RegistryUnderTest& t) {
       t.heartbeat(1).value();
       t.update(1, {{7, true}}).value();
       EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
       t.wipe();
       Result<bool> known;
       ASSERT_TRUE(eventually([&] { return (known = t.heartbeat(1)).has_value(); }));
       EXPECT_FALSE(*known);
       EXPECT_EQ(t.found({7}), Where{});
       t.update(1, {{7, true}}).value();
       EXPECT_EQ(t.found({7}), (Where{{7, {1}}}));
       EXPECT_TRUE(t.heartbeat(1).value());
     }},
};

}  // namespace

std::span<const RegistryPromise> registry_promises() { return kPromises; }

}  // namespace parley::test
