#include "tests/contract/accounts/promises.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <thread>

namespace parley::test {

Account account(std::uint64_t id, std::string name) {
  return {UserId(id), std::move(name), "Ann \xF0\x9F\x98\x80", "", TimeMs(1'750'000'000'123)};
}
AccountDevice device(std::uint64_t id, std::uint64_t user, std::string hash) {
  return {DeviceId(id), UserId(user), "phone",         TimeMs(1'750'000'000'000),
          TimeMs(2),    hash,         "before" + hash, TimeMs(1'760'000'000'000)};
}

RevokedDevice gone(std::uint64_t id, std::int64_t tokens_end, std::int64_t revoked) {
  return {DeviceId(id), UserId(7), TimeMs(tokens_end), TimeMs(revoked)};
}

namespace {

using Gone = std::vector<RevokedDevice>;

constexpr std::uint64_t kLarge = (1ULL << 62) + 5;  // ids use up to 63 bits

// nullopt: it succeeded.
std::optional<Code> code_of(const auto& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

template <class F>
void on_threads(int count, F body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&, t] { body(t); });
  for (auto& thread : threads) thread.join();
}

const Promise kPromises[] = {
    {"AnAccountIsFoundByIdAndName",
     [](AccountsUnderTest& t) {
       const Account ann = account(kLarge, "ann");
       ASSERT_TRUE(t.accounts().create(ann, "hash"));
       EXPECT_EQ(t.accounts().by_id(UserId(kLarge)).value(), ann);
       EXPECT_EQ(t.accounts().by_name("ann").value(), ann);
       EXPECT_EQ(t.accounts().password_hash(UserId(kLarge)).value(), "hash");
     }},
    {"WhatIsNotThereIsNotFound",
     [](AccountsUnderTest& t) {
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), std::nullopt);
       EXPECT_EQ(t.accounts().by_name("ann").value(), std::nullopt);
       EXPECT_EQ(code_of(t.accounts().password_hash(UserId(7))), Code::not_found);
       EXPECT_EQ(code_of(t.accounts().update(account(7, "ann"), account(7, "anna"))),
                 Code::not_found);
       EXPECT_EQ(t.accounts().last_id().value(), 0u);
     }},
    {"CreatingAgainSucceedsAndChangesNothing",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       EXPECT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       EXPECT_EQ(code_of(t.accounts().create(account(7, "ann"), "other")), Code::conflict);
       EXPECT_EQ(code_of(t.accounts().create(account(7, "bob"), "hash")), Code::conflict);
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), account(7, "ann"));
       EXPECT_EQ(t.accounts().by_name("bob").value(), std::nullopt);
       EXPECT_EQ(t.accounts().password_hash(UserId(7)).value(), "hash");
     }},
    {"ANameBelongsToOne",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       EXPECT_EQ(code_of(t.accounts().create(account(8, "ann"), "hash")), Code::already_exists);
       EXPECT_EQ(t.accounts().by_name("ann").value().value().id, UserId(7));
       EXPECT_EQ(t.accounts().by_id(UserId(8)).value(), std::nullopt);
     }},
    {"OfManyThreadsOneGetsTheName",
     [](AccountsUnderTest& t) {
       std::atomic<int> made{0}, refused{0};
       on_threads(8, [&](int i) {
         auto result = t.accounts().create(account(100 + static_cast<unsigned>(i), "ann"), "hash");
         if (result)
           ++made;
         else if (result.error().code == Code::already_exists)
           ++refused;
       });
       EXPECT_EQ(made, 1);
       EXPECT_EQ(refused, 7);
     }},
    {"NamesAndTextsAreKeptAndComparedByTheirBytes",
     [](AccountsUnderTest& t) {
       std::uint64_t id = 6;
       for (const char* name :
            {"ann", "Ann", "ann ", "\xC3\xA4nn", "a\xCC\x88nn", "an'n", "an\\n"}) {
         auto one = account(++id, name);
         one.about = std::string("\"'`\\% :x \n\t\xF0\x9F\x98\x80 ") + name;
         ASSERT_TRUE(t.accounts().create(one, "hash")) << name;
         EXPECT_EQ(t.accounts().by_name(name).value(), one) << name;
       }
     }},
    {"ATextOfTheGreatestLengthIsKept",
     [](AccountsUnderTest& t) {
       Account ann = account(7, std::string(32, 'a'));
       ann.display_name = std::string(64, 'd');
       ann.about = std::string(500, 'b');
       ASSERT_TRUE(t.accounts().create(ann, std::string(128, 'h')));
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), ann);
       EXPECT_EQ(t.accounts().password_hash(UserId(7)).value(), std::string(128, 'h'));
     }},
    {"UpdateReplacesWhatMayChange",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       Account changed = account(7, "anna");
       changed.display_name = "Anna";
       changed.about = "hello";
       EXPECT_EQ(t.accounts().update(account(7, "ann"), changed), true);
       EXPECT_EQ(t.accounts().update(changed, changed), true);
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), changed);
       EXPECT_EQ(t.accounts().by_name("anna").value(), changed);
       EXPECT_EQ(t.accounts().password_hash(UserId(7)).value(), "hash");
     }},
    {"UpdateOfWhatWasChangedMeanwhileChangesNothing",
     [](AccountsUnderTest& t) {
       const Account ann = account(7, "ann");
       Account named = ann, shown = ann, told = ann;
       named.name = "anna";
       shown.display_name = "Anna";
       told.about = "hello";
       ASSERT_TRUE(t.accounts().create(ann, "hash"));
       Account wanted = ann;
       wanted.name = "annie";
       for (const auto& now : {named, shown, told}) {
         EXPECT_EQ(t.accounts().update(ann, now), true);
         EXPECT_EQ(t.accounts().update(ann, wanted), false);
         EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), now);
         EXPECT_EQ(t.accounts().by_name("annie").value(), std::nullopt);
         EXPECT_EQ(t.accounts().update(now, ann), true);
       }
     }},
    {"UpdateByWhoLostItsNameMeanwhileChangesNothing",
     [](AccountsUnderTest& t) {
       const Account seen = account(7, "ann");
       ASSERT_TRUE(t.accounts().create(seen, "hash"));
       EXPECT_EQ(t.accounts().update(seen, account(7, "anna")), true);
       ASSERT_TRUE(t.accounts().create(account(8, "ann"), "hash"));
       Account wanted = seen;
       wanted.about = "hello";
       EXPECT_EQ(t.accounts().update(seen, wanted), false);
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), account(7, "anna"));
       EXPECT_EQ(t.accounts().by_name("ann").value(), account(8, "ann"));
     }},
    {"OfManyThreadsOneUpdates",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       std::atomic<int> won{0}, lost{0};
       on_threads(8, [&](int i) {
         Account changed = account(7, "ann");
         changed.about = std::to_string(i);
         const auto updated = t.accounts().update(account(7, "ann"), changed);
         ASSERT_TRUE(updated) << updated.error().message;
         ++(*updated ? won : lost);
       });
       EXPECT_EQ(won, 1);
       EXPECT_EQ(lost, 7);
     }},
    {"UpdateLeavesTheDayOfCreation",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       Account changed = account(7, "ann");
       changed.created = TimeMs(1);
       EXPECT_EQ(t.accounts().update(changed, changed), true);
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value().value().created, account(7, "ann").created);
     }},
    {"RenamingFreesTheName",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       EXPECT_EQ(t.accounts().update(account(7, "ann"), account(7, "anna")), true);
       EXPECT_EQ(t.accounts().by_name("ann").value(), std::nullopt);
       EXPECT_TRUE(t.accounts().create(account(8, "ann"), "hash"));
     }},
    {"RenamingToATakenNameChangesNothing",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       ASSERT_TRUE(t.accounts().create(account(8, "bob"), "hash"));
       EXPECT_EQ(code_of(t.accounts().update(account(8, "bob"), account(8, "ann"))),
                 Code::already_exists);
       EXPECT_EQ(t.accounts().by_name("ann").value().value().id, UserId(7));
       EXPECT_EQ(t.accounts().by_id(UserId(8)).value().value().name, "bob");
     }},
    {"AccountsOutliveTheProcess",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(7, "ann"), "hash"));
       ASSERT_TRUE(t.accounts().create(account(8, "bob"), "hash"));
       EXPECT_EQ(t.accounts().update(account(8, "bob"), account(8, "bobby")), true);
       t.reopen();
       EXPECT_EQ(t.accounts().by_id(UserId(7)).value(), account(7, "ann"));
       EXPECT_EQ(t.accounts().by_id(UserId(8)).value(), account(8, "bobby"));
       EXPECT_EQ(t.accounts().password_hash(UserId(8)).value(), "hash");
       EXPECT_EQ(t.accounts().last_id().value(), 8u);
     }},
    {"TheLastAccountIdIsTheGreatest",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.accounts().create(account(kLarge, "ann"), "hash"));
       ASSERT_TRUE(t.accounts().create(account(7, "bob"), "hash"));
       EXPECT_EQ(t.accounts().last_id().value(), kLarge);
     }},

    {"ADeviceIsFoundByIdAndUser",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(kLarge, 7, "a")));
       ASSERT_TRUE(t.devices().add(device(21, 7, "b")));
       ASSERT_TRUE(t.devices().add(device(22, 8, "c")));
       EXPECT_EQ(t.devices().by_id(DeviceId(kLarge)).value(), device(kLarge, 7, "a"));
       EXPECT_EQ(t.devices().of(UserId(7)).value(),
                 (std::vector{device(21, 7, "b"), device(kLarge, 7, "a")}));
       EXPECT_EQ(t.devices().by_id(DeviceId(23)).value(), std::nullopt);
       EXPECT_TRUE(t.devices().of(UserId(9)).value().empty());
     }},
    {"AddingAgainSucceedsAndChangesNothing",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       EXPECT_TRUE(t.devices().add(device(20, 7, "a")));
       EXPECT_EQ(code_of(t.devices().add(device(20, 7, "b"))), Code::conflict);
       EXPECT_EQ(code_of(t.devices().add(device(20, 8, "a"))), Code::conflict);
       EXPECT_EQ(t.devices().of(UserId(7)).value(), std::vector{device(20, 7, "a")});
       EXPECT_TRUE(t.devices().of(UserId(8)).value().empty());
     }},
    {"TheIdOfARevokedDeviceIsNotGivenAgain",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       ASSERT_TRUE(t.devices().revoke(gone(20, 1'000)));
       EXPECT_EQ(code_of(t.devices().add(device(20, 8, "b"))), Code::conflict);
       EXPECT_EQ(code_of(t.devices().add(device(20, 7, "a"))), Code::conflict);
       EXPECT_EQ(t.devices().by_id(DeviceId(20)).value(), std::nullopt);
     }},
    {"OfManyThreadsOneGetsTheDeviceId",
     [](AccountsUnderTest& t) {
       std::atomic<int> added{0}, refused{0};
       on_threads(8, [&](int i) {
         const auto result = t.devices().add(device(20, 7, std::to_string(i)));
         if (result)
           ++added;
         else if (result.error().code == Code::conflict)
           ++refused;
       });
       EXPECT_EQ(added, 1);
       EXPECT_EQ(refused, 7);
     }},
    {"RotateReplacesTheValidToken",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       EXPECT_EQ(t.devices().rotate(DeviceId(20), "a", {"b", "a", TimeMs(5), TimeMs(9)}), true);
       AccountDevice expected = device(20, 7, "b");
       expected.previous_refresh_hash = "a";
       expected.last_used = TimeMs(5);
       expected.refresh_expires = TimeMs(9);
       EXPECT_EQ(t.devices().by_id(DeviceId(20)).value(), expected);
     }},
    {"RotateAcceptsATokenOnce",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       EXPECT_EQ(t.devices().rotate(DeviceId(20), "a", {"b", "a", TimeMs(5), TimeMs(9)}), true);
       EXPECT_EQ(t.devices().rotate(DeviceId(20), "a", {"c", "a", TimeMs(6), TimeMs(9)}), false);
       EXPECT_EQ(t.devices().rotate(DeviceId(20), "x", {"c", "x", TimeMs(6), TimeMs(9)}), false);
       EXPECT_EQ(t.devices().rotate(DeviceId(21), "b", {"c", "b", TimeMs(6), TimeMs(9)}), false);
       EXPECT_EQ(t.devices().by_id(DeviceId(20)).value().value().refresh_hash, "b");
     }},
    {"OfManyThreadsOneRotates",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       std::atomic<int> won{0};
       on_threads(8, [&](int i) {
         if (t.devices()
                 .rotate(DeviceId(20), "a", {std::to_string(i), "a", TimeMs(5), TimeMs(9)})
                 .value_or(false))
           ++won;
       });
       EXPECT_EQ(won, 1);
     }},
    {"ARevokedDeviceIsGone",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       ASSERT_TRUE(t.devices().add(device(21, 7, "b")));
       ASSERT_TRUE(t.devices().revoke(gone(20, 1'000)));
       EXPECT_EQ(t.devices().by_id(DeviceId(20)).value(), std::nullopt);
       EXPECT_EQ(t.devices().of(UserId(7)).value(), std::vector{device(21, 7, "b")});
       EXPECT_EQ(t.devices().rotate(DeviceId(20), "a", {"b", "a", TimeMs(5), TimeMs(9)}), false);
     }},
    {"RevokedDevicesAreListedUntilTheirTokensEnd",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().revoke(gone(20, 1'000)));
       ASSERT_TRUE(t.devices().revoke(gone(21, 2'000)));
       auto now = t.devices().revoked(TimeMs(1'000)).value();
       std::ranges::sort(now, {}, &RevokedDevice::device);
       EXPECT_EQ(now, (Gone{gone(20, 1'000), gone(21, 2'000)}));
       EXPECT_EQ(t.devices().revoked(TimeMs(1'001)).value(), Gone{gone(21, 2'000)});
       EXPECT_EQ(t.devices().revoked(TimeMs(0)).value(), Gone{gone(21, 2'000)});
     }},
    {"RevokingTwiceKeepsTheLaterTimes",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().revoke(gone(20, 2'000, 1)));
       ASSERT_TRUE(t.devices().revoke(gone(20, 1'000, 2)));
       EXPECT_EQ(t.devices().revoked(TimeMs(0)).value(), Gone{gone(20, 2'000, 2)});
       ASSERT_TRUE(t.devices().revoke(gone(20, 3'000, 1)));
       EXPECT_EQ(t.devices().revoked(TimeMs(0)).value(), Gone{gone(20, 3'000, 2)});
     }},
    {"ThoseRevokedSinceAMomentComeInOrder",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().revoke(gone(20, 1'000, 30)));
       ASSERT_TRUE(t.devices().revoke(gone(21, 1'000, 10)));
       ASSERT_TRUE(t.devices().revoke(gone(22, 1'000, 20)));
       const auto since = [&](std::int64_t when) {
         return t.devices().revoked_since(TimeMs(when)).value();
       };
       EXPECT_EQ(since(-5), (Gone{gone(21, 1'000, 10), gone(22, 1'000, 20), gone(20, 1'000, 30)}));
       EXPECT_EQ(since(20), (Gone{gone(22, 1'000, 20), gone(20, 1'000, 30)}));
       EXPECT_EQ(since(21), Gone{gone(20, 1'000, 30)});
       EXPECT_EQ(since(31), Gone{});
     }},
    {"DevicesOutliveTheProcess",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       ASSERT_TRUE(t.devices().add(device(21, 7, "b")));
       ASSERT_TRUE(t.devices().revoke(gone(21, 2'000)));
       ASSERT_EQ(t.devices().rotate(DeviceId(20), "a", {"c", "a", TimeMs(5), TimeMs(9)}), true);
       t.reopen();
       EXPECT_EQ(t.devices().by_id(DeviceId(20)).value().value().refresh_hash, "c");
       EXPECT_EQ(t.devices().by_id(DeviceId(21)).value(), std::nullopt);
       EXPECT_EQ(t.devices().revoked(TimeMs(0)).value().size(), 1u);
     }},
    {"TheLastDeviceIdIsTheGreatestAlsoOfOneThatIsGone",
     [](AccountsUnderTest& t) {
       EXPECT_EQ(t.devices().last_id().value(), 0u);
       ASSERT_TRUE(t.devices().add(device(21, 7, "b")));
       ASSERT_TRUE(t.devices().add(device(20, 7, "a")));
       ASSERT_TRUE(t.devices().revoke(gone(21, 1'000)));
       EXPECT_TRUE(t.devices().revoked(TimeMs(2'000)).value().empty());
       t.reopen();
       EXPECT_EQ(t.devices().last_id().value(), 21u);
     }},

    {"ASecretIsMadeOnceAndKept",
     [](AccountsUnderTest& t) {
       const std::string key = t.secrets().get_or_make("key", 32).value();
       EXPECT_EQ(key.size(), 32u);
       EXPECT_EQ(t.secrets().get_or_make("key", 32).value(), key);
       t.reopen();
       EXPECT_EQ(t.secrets().get_or_make("key", 32).value(), key);
     }},
    {"SecretsAreRandomAndApart",
     [](AccountsUnderTest& t) {
       std::set<std::string> all;
       for (int i = 0; i < 50; ++i)
         all.insert(t.secrets().get_or_make("key" + std::to_string(i), 32).value());
       EXPECT_EQ(all.size(), 50u);
       EXPECT_FALSE(all.contains(std::string(32, '\0')));
     }},
    {"ASecretOfAnotherSizeIsDamaged",
     [](AccountsUnderTest& t) {
       ASSERT_TRUE(t.secrets().get_or_make("key", 32));
       EXPECT_EQ(code_of(t.secrets().get_or_make("key", 16)), Code::damaged);
       EXPECT_EQ(code_of(t.secrets().get_or_make("key", 64)), Code::damaged);
     }},
    {"OfManyThreadsOneMakesTheSecret",
     [](AccountsUnderTest& t) {
       std::vector<std::string> seen(8);
       on_threads(8, [&](int i) {
         seen[static_cast<std::size_t>(i)] = t.secrets().get_or_make("key", 32).value_or("");
       });
       EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 1u);
       EXPECT_EQ(seen.front().size(), 32u);
     }},
};

}  // namespace

std::span<const Promise> account_promises() { return kPromises; }

}  // namespace parley::test
