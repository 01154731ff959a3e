#include "tests/contract/groups/promises.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace parley::test {
namespace {

using What = GroupChange::What;

constexpr std::uint64_t kLarge = (1ULL << 62) + 5;  // ids use up to 63 bits
const UserId kAnn(7), kBob(42), kCat(kLarge), kDan(99);
const GroupId kClub(1000), kOther(1001);
const TimeMs kThen(1'750'000'000'123), kNow(1'750'000'060'000);

// nullopt: it succeeded.
std::optional<Code> code_of(const auto& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

Group club(GroupId id = kClub, std::uint32_t members = 2) {
  return {id, "Club \xF0\x9F\x98\x80", "pic", kAnn, 1, kThen, members, false};
}
GroupChange created(std::vector<UserId> users = {kAnn, kBob}) {
  return {What::created, 1, club().title, std::move(users), Role::member};
}
GroupChange change(What what, std::uint64_t version, std::vector<UserId> users = {},
                   std::string text = {}, Role role = Role::member) {
  return {what, version, std::move(text), std::move(users), role};
}
void make_club(GroupsUnderTest& t) { ASSERT_TRUE(t.groups().create(club(), "key", created())); }
Result<void> apply(GroupsUnderTest& t, const GroupChange& c) {
  return t.groups().apply(kClub, kAnn, c, kNow);
}
Group stored(GroupsUnderTest& t, GroupId id = kClub) {
  return t.groups().find(id, kAnn).value().value().group;
}
std::optional<Role> role_of(GroupsUnderTest& t, UserId user) {
  return t.groups().find(kClub, user).value().value().role;
}
std::vector<UserId> members(GroupsUnderTest& t, GroupId id = kClub) {
  std::vector<UserId> users;
  const auto rows = t.groups().members(id, UserId(0), 1000);
  for (const auto& member : rows.value()) users.push_back(member.user);
  return users;
}
std::vector<std::uint64_t> outbox_versions(GroupsUnderTest& t) {
  std::vector<std::uint64_t> versions;
  const auto rows = t.groups().outbox(1000);
  for (const auto& row : rows.value()) versions.push_back(row.change.version);
  return versions;
}

const GroupPromise kPromises[] = {
    {"AGroupIsFoundWithTheAskersRole",
     [](GroupsUnderTest& t) {
       EXPECT_EQ(t.groups().create(club(), "", created()).value(), club());
       EXPECT_EQ(t.groups().find(kClub, kAnn).value(), (GroupWithRole{club(), Role::owner}));
       EXPECT_EQ(t.groups().find(kClub, kBob).value(), (GroupWithRole{club(), Role::member}));
       EXPECT_EQ(t.groups().find(kClub, kDan).value(), (GroupWithRole{club(), std::nullopt}));
     }},
    {"WhatIsNotThereIsNotFound",
     [](GroupsUnderTest& t) {
       EXPECT_EQ(t.groups().find(kClub, kAnn).value(), std::nullopt);
       EXPECT_TRUE(t.groups().members(kClub, UserId(0), 10).value().empty());
       EXPECT_TRUE(t.groups().roles(kClub, {kAnn}).value().empty());
       EXPECT_TRUE(t.groups().of(kAnn, GroupId(0), 10).value().empty());
       EXPECT_TRUE(t.groups().outbox(10).value().empty());
       EXPECT_EQ(code_of(apply(t, change(What::title, 2, {}, "x"))), Code::not_found);
       EXPECT_EQ(t.groups().last_id().value(), 0u);
     }},
    {"ARequestMakesOneGroup",
     [](GroupsUnderTest& t) {
       make_club(t);
       EXPECT_EQ(t.groups().create(club(kOther), "key", created()).value(), club());
       EXPECT_EQ(t.groups().find(kOther, kAnn).value(), std::nullopt);
       EXPECT_EQ(outbox_versions(t).size(), 1u);
       EXPECT_EQ(t.groups().create(club(kOther), "another", created()).value(), club(kOther));
     }},
    {"ARequestIsTheCreatorsOwn",
     [](GroupsUnderTest& t) {
       make_club(t);
       Group bobs = club(kOther);
       bobs.owner = kBob;
       EXPECT_EQ(t.groups().create(bobs, "key", created({kBob, kAnn})).value(), bobs);
     }},
    {"NoRequestIsNoKey",
     [](GroupsUnderTest& t) {
       EXPECT_EQ(t.groups().create(club(), "", created()).value(), club());
       EXPECT_EQ(t.groups().create(club(kOther), "", created()).value(), club(kOther));
     }},
    {"ARequestAnswersTheGroupAsItIsNow",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::title, 2, {}, "New")));
       EXPECT_EQ(t.groups().create(club(kOther), "key", created()).value(), stored(t));
     }},
    {"CreatingAgainSucceedsAndChangesNothing",
     [](GroupsUnderTest& t) {
       ASSERT_TRUE(t.groups().create(club(), "", created()));
       EXPECT_TRUE(t.groups().create(club(), "", created()));
       EXPECT_EQ(code_of(t.groups().create(club(), "", created({kAnn}))), Code::conflict);
       EXPECT_EQ(outbox_versions(t).size(), 1u);
       EXPECT_EQ(members(t), (std::vector{kAnn, kBob}));
     }},
    {"TitleAndPictureChange",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::title, 2, {}, "New")));
       ASSERT_TRUE(apply(t, change(What::picture, 3, {}, "")));
       Group expected = club();
       expected.title = "New";
       expected.picture = "";
       expected.version = 3;
       EXPECT_EQ(stored(t), expected);
     }},
    {"UsersJoinAndLeave",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::added, 2, {kDan, kCat})));
       EXPECT_EQ(members(t), (std::vector{kAnn, kBob, kDan, kCat}));
       EXPECT_EQ(stored(t).members, 4u);
       EXPECT_EQ(t.groups().roles(kClub, {kDan}).value(),
                 (std::vector{GroupMember{kDan, Role::member, kNow}}));
       ASSERT_TRUE(apply(t, change(What::removed, 3, {kBob, kDan})));
       ASSERT_TRUE(t.groups().apply(kClub, kCat, change(What::left, 4, {kCat}), kNow));
       EXPECT_EQ(members(t), std::vector{kAnn});
       EXPECT_EQ(stored(t).members, 1u);
       EXPECT_EQ(role_of(t, kBob), std::nullopt);
     }},
    {"WhoIsAddedMustNotBeAMember",
     [](GroupsUnderTest& t) {
       make_club(t);
       EXPECT_EQ(code_of(apply(t, change(What::added, 2, {kDan, kBob}))), Code::already_exists);
       EXPECT_EQ(members(t), (std::vector{kAnn, kBob}));
       EXPECT_EQ(stored(t), club());
       EXPECT_EQ(outbox_versions(t), std::vector<std::uint64_t>{1});
     }},
    {"WhomAChangeIsAboutMustBeAMember",
     [](GroupsUnderTest& t) {
       make_club(t);
       for (const auto what : {What::removed, What::left, What::role, What::owner})
         EXPECT_EQ(code_of(apply(t, change(what, 2, {kDan}, "", Role::admin))), Code::not_found)
             << static_cast<int>(what);
       EXPECT_EQ(code_of(apply(t, change(What::removed, 2, {kBob, kDan}))), Code::not_found);
       EXPECT_EQ(members(t), (std::vector{kAnn, kBob}));
       EXPECT_EQ(stored(t), club());
       EXPECT_EQ(outbox_versions(t), std::vector<std::uint64_t>{1});
     }},
    {"RolesChange",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::role, 2, {kBob}, "", Role::admin)));
       EXPECT_EQ(role_of(t, kBob), Role::admin);
       ASSERT_TRUE(apply(t, change(What::role, 3, {kBob}, "", Role::member)));
       EXPECT_EQ(role_of(t, kBob), Role::member);
     }},
    {"TheOwnerBeforeIsAnAdmin",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::owner, 2, {kBob})));
       EXPECT_EQ(stored(t).owner, kBob);
       EXPECT_EQ(role_of(t, kBob), Role::owner);
       EXPECT_EQ(role_of(t, kAnn), Role::admin);
     }},
    {"ADissolvedGroupHasNoMembersAndDoesNotChange",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::dissolved, 2)));
       EXPECT_TRUE(stored(t).dissolved);
       EXPECT_EQ(stored(t).members, 0u);
       EXPECT_EQ(role_of(t, kAnn), std::nullopt);
       EXPECT_TRUE(t.groups().roles(kClub, {kAnn, kBob}).value().empty());
       EXPECT_TRUE(t.groups().of(kAnn, GroupId(0), 10).value().empty());
       EXPECT_EQ(code_of(apply(t, change(What::title, 3, {}, "x"))), Code::not_found);
       EXPECT_TRUE(apply(t, change(What::dissolved, 2)));
     }},
    {"OfADissolvedGroupTheLastMembersAreKnown",
     [](GroupsUnderTest& t) {
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::dissolved, 2)));
       EXPECT_EQ(members(t), (std::vector{kAnn, kBob}));
     }},
    {"AChangeFollowsTheVersionBefore",
     [](GroupsUnderTest& t) {
       make_club(t);
       EXPECT_EQ(code_of(apply(t, change(What::title, 1, {}, "x"))), Code::conflict);
       EXPECT_EQ(code_of(apply(t, change(What::title, 3, {}, "x"))), Code::conflict);
       ASSERT_TRUE(apply(t, change(What::title, 2, {}, "New")));
       EXPECT_EQ(code_of(apply(t, change(What::title, 2, {}, "x"))), Code::conflict);
       EXPECT_EQ(stored(t).title, "New");
       EXPECT_EQ(outbox_versions(t), (std::vector<std::uint64_t>{1, 2}));
     }},
    {"TheSameChangeAgainChangesNothing",
     [](GroupsUnderTest& t) {
       make_club(t);
       const auto joins = change(What::added, 2, {kDan});
       ASSERT_TRUE(apply(t, joins));
       EXPECT_TRUE(apply(t, joins));
       ASSERT_TRUE(t.groups().appended(kClub, 2));
       ASSERT_TRUE(apply(t, change(What::title, 3, {}, "New")));
       EXPECT_TRUE(apply(t, joins)) << "also when it is long in the log";
       EXPECT_EQ(stored(t).members, 3u);
       EXPECT_EQ(stored(t).version, 3u);
       EXPECT_EQ(outbox_versions(t), (std::vector<std::uint64_t>{1, 3}));
       EXPECT_EQ(code_of(t.groups().apply(kClub, kBob, joins, kNow)), Code::conflict)
           << "another actor's is another change";
     }},
    {"OfManyThreadsOneMakesTheVersion",
     [](GroupsUnderTest& t) {
       make_club(t);
       std::atomic<int> made{0}, refused{0};
       std::vector<std::thread> threads;
       for (int i = 0; i < 8; ++i)
         threads.emplace_back([&, i] {
           const auto result = apply(t, change(What::title, 2, {}, std::to_string(i)));
           ++(result ? made : refused);
         });
       for (auto& thread : threads) thread.join();
       EXPECT_EQ(made, 1);
       EXPECT_EQ(refused, 7);
       EXPECT_EQ(stored(t).version, 2u);
     }},
    {"AChangeIsInTheOutboxUntilItIsAppended",
     [](GroupsUnderTest& t) {
       make_club(t);
       const auto joins = change(What::added, 2, {kCat, kDan});
       const auto role = change(What::role, 3, {kCat}, "", Role::admin);
       ASSERT_TRUE(apply(t, joins));
       ASSERT_TRUE(t.groups().apply(kClub, kBob, role, kNow));
       EXPECT_EQ(t.groups().outbox(10).value(),
                 (std::vector<GroupOutboxRow>{
                     {kClub, kAnn, created()}, {kClub, kAnn, joins}, {kClub, kBob, role}}));
       ASSERT_TRUE(t.groups().appended(kClub, 1));
       ASSERT_TRUE(t.groups().appended(kClub, 3));
       EXPECT_EQ(t.groups().outbox(10).value(),
                 (std::vector<GroupOutboxRow>{{kClub, kAnn, joins}}));
       EXPECT_TRUE(t.groups().appended(kClub, 3)) << "twice";
       EXPECT_TRUE(t.groups().appended(kOther, 1)) << "of no group";
     }},
    {"TheOutboxRisesByGroupAndVersionUpToALimit",
     [](GroupsUnderTest& t) {
       ASSERT_TRUE(t.groups().create(club(kOther), "", created()));
       make_club(t);
       ASSERT_TRUE(apply(t, change(What::title, 2, {}, "New")));
       const auto rows = t.groups().outbox(10).value();
       ASSERT_EQ(rows.size(), 3u);
       EXPECT_EQ(rows[0].group, kClub);
       EXPECT_EQ(rows[1].change.version, 2u);
       EXPECT_EQ(rows[2].group, kOther);
       EXPECT_EQ(t.groups().outbox(2).value(), (std::vector{rows[0], rows[1]}));
     }},
    {"MembersComeInPagesByRisingUser",
     [](GroupsUnderTest& t) {
       std::vector<UserId> users{kAnn};
       for (std::uint64_t i = 100; i > 50; --i) users.emplace_back(i);
       ASSERT_TRUE(t.groups().create(club(kClub, 51), "", created(users)));
       std::ranges::sort(users);
       std::vector<UserId> read;
       for (UserId after(0);;) {
         const auto page = t.groups().members(kClub, after, 20).value();
         EXPECT_LE(page.size(), 20u);
         if (page.empty()) break;
         for (const auto& member : page) read.push_back(member.user);
         after = read.back();
       }
       EXPECT_EQ(read, users);
     }},
    {"RolesAreOfMembersAlone",
     [](GroupsUnderTest& t) {
       make_club(t);
       auto roles = t.groups().roles(kClub, {kBob, kDan, kAnn}).value();
       std::ranges::sort(roles, {}, &GroupMember::user);
       EXPECT_EQ(roles, (std::vector{GroupMember{kAnn, Role::owner, kThen},
                                     GroupMember{kBob, Role::member, kThen}}));
     }},
    {"AUsersGroupsComeInPagesByRisingId",
     [](GroupsUnderTest& t) {
       for (std::uint64_t id : {5, 3, 4})
         ASSERT_TRUE(t.groups().create(club(GroupId(id)), "", created()));
       ASSERT_TRUE(t.groups().create(club(GroupId(6), 1), "", created({kAnn})));
       const auto first = t.groups().of(kBob, GroupId(0), 2).value();
       ASSERT_EQ(first.size(), 2u);
       EXPECT_EQ(first[0], (GroupWithRole{club(GroupId(3)), Role::member}));
       EXPECT_EQ(first[1].group.id, GroupId(4));
       const auto rest = t.groups().of(kBob, GroupId(4), 10).value();
       ASSERT_EQ(rest.size(), 1u);
       EXPECT_EQ(rest[0].group.id, GroupId(5));
     }},
    {"TheLastIdIsTheGreatest",
     [](GroupsUnderTest& t) {
       ASSERT_TRUE(t.groups().create(club(GroupId(kLarge)), "", created()));
       make_club(t);
       EXPECT_EQ(t.groups().last_id().value(), kLarge);
     }},
    {"EverythingOutlivesTheProcess",
     [](GroupsUnderTest& t) {
       make_club(t);
       const auto joins = change(What::added, 2, {kDan});
       ASSERT_TRUE(apply(t, joins));
       ASSERT_TRUE(t.groups().appended(kClub, 1));
       const Group before = stored(t);
       t.reopen();
       EXPECT_EQ(t.groups().find(kClub, kDan).value(), (GroupWithRole{before, Role::member}));
       EXPECT_EQ(t.groups().outbox(10).value(),
                 (std::vector<GroupOutboxRow>{{kClub, kAnn, joins}}));
       EXPECT_EQ(t.groups().create(club(kOther), "key", created()).value(), before);
       EXPECT_TRUE(apply(t, joins));
       EXPECT_EQ(t.groups().last_id().value(), kClub.value);
     }},
};

}  // namespace

std::span<const GroupPromise> group_promises() { return kPromises; }

}  // namespace parley::test
