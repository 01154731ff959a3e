// Groups and their changes: who may do what, what is stored, and what becomes an entry.
#include <set>

#include "domain/group_rules.h"
#include "services/group/testing/fixture.h"

namespace parley::group {
namespace {

class GroupChanges : public GroupFixture {
 protected:
  static std::pair<Code, std::string> error_of(const auto& result) {
    if (result) return {Code{}, "it succeeded"};
    EXPECT_FALSE(result.error().message.empty());
    return {result.error().code, result.error().field};
  }
  std::vector<UserId> many(std::uint64_t count, std::uint64_t first = 1000) {
    std::vector<UserId> users;
    for (std::uint64_t i = 0; i < count; ++i) users.emplace_back(first + i);
    return users;
  }
  std::vector<UserId> members_of(UserId asker) {
    std::vector<UserId> users;
    const auto found = run(service->members(asker, club, UserId(0), 1000));
    if (found)
      for (const auto& member : *found) users.push_back(member.user);
    return users;
  }
  std::size_t entries() { return log.changes(club).size(); }
  using Error = std::pair<Code, std::string>;
};

TEST_P(GroupChanges, AGroupIsMadeOfItsCreatorAndTheOthersOnce) {
  make_club({kBob, kAnn, kBob, kCat});
  const auto view = run(service->view(kAnn, club));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->title, "Club");
  EXPECT_EQ(view->picture, "pic");
  EXPECT_EQ(view->owner, kAnn);
  EXPECT_EQ(view->version, 1u);
  EXPECT_EQ(view->members, 3u);
  EXPECT_EQ(view->created, clock.wall());
  EXPECT_EQ(view->role, Role::owner);
  EXPECT_EQ(run(service->view(kBob, club))->role, Role::member);
  EXPECT_EQ(log.changes(club),
            (std::vector{GroupChange{What::created, 1, "Club", {kAnn, kBob, kCat}, Role::member}}));
  EXPECT_TRUE(store.outbox(10)->empty());
}

TEST_P(GroupChanges, CreatingChecksEachField) {
  const auto make = [&](std::string title, std::string picture, std::vector<UserId> members,
                        std::string request = {}) {
    return error_of(run(service->create(
        {kAnn, std::move(request), std::move(title), std::move(picture), std::move(members)})));
  };
  EXPECT_EQ(make("", "", {kBob}), Error(Code::invalid_argument, "title"));
  EXPECT_EQ(make(std::string(129, 'a'), "", {kBob}), Error(Code::invalid_argument, "title"));
  EXPECT_EQ(make("a\nb", "", {kBob}), Error(Code::invalid_argument, "title"));
  EXPECT_EQ(make("Club", std::string(65, 'a'), {kBob}), Error(Code::invalid_argument, "picture"));
  EXPECT_EQ(make("Club", "", {kBob}, std::string(65, 'a')),
            Error(Code::invalid_argument, "request_id"));
  EXPECT_EQ(make("Club", "", many(256)), Error(Code::too_large, "members"));
  EXPECT_EQ(make("Club", "", {kBob, kNobody}), Error(Code::not_found, "members"));
  EXPECT_TRUE(run(service->of(kAnn, GroupId(0), 10))->empty());
  EXPECT_TRUE(create(many(255)));
  EXPECT_TRUE(create({}));
}

TEST_P(GroupChanges, ARequestMadeAgainAnswersTheSameGroup) {
  const auto first = create({kBob}, "key");
  ASSERT_TRUE(first);
  const auto again = create({kCat}, "key");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(again->members, 2u);
  EXPECT_NE(create({kBob}, "another")->id, first->id);
  EXPECT_NE(create({kBob})->id, create({kBob})->id);
  EXPECT_EQ(log.changes(first->id).size(), 1u);
}

TEST_P(GroupChanges, AnIdNeverComesAgain) {
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 5; ++i) ids.insert(create({})->id.value);
  clock.set_wall(TimeMs(clock.wall().value - 3'600'000));
  restart();
  const auto later = create({})->id.value;
  EXPECT_GT(later, *ids.rbegin());
  EXPECT_EQ(ids.size(), 5u);
}

TEST_P(GroupChanges, WhoIsNotInAGroupDoesNotSeeIt) {
  make_club();
  const Error unseen(Code::not_found, "");
  EXPECT_EQ(error_of(run(service->view(kCat, club))), unseen);
  EXPECT_EQ(error_of(run(service->members(kCat, club, UserId(0), 10))), unseen);
  EXPECT_EQ(error_of(change(kCat, What::title, {}, "x")), unseen);
  const auto real = std::exchange(club, GroupId(12345));
  EXPECT_EQ(error_of(change(kAnn, What::title, {}, "x")), unseen);
  EXPECT_EQ(error_of(run(service->view(kAnn, club))), unseen);
  club = real;
  EXPECT_EQ(entries(), 1u);
}

TEST_P(GroupChanges, EachChangeIsAVersionAndAnEntry) {
  make_club();
  EXPECT_EQ(change(kAnn, What::title, {}, "New")->title, "New");
  EXPECT_EQ(change(kAnn, What::picture)->picture, "");
  EXPECT_EQ(change(kAnn, What::added, {kCat, kDan, kCat})->members, 4u);
  EXPECT_EQ(members_of(kCat), (std::vector{kAnn, kBob, kCat, kDan}));
  EXPECT_TRUE(change(kAnn, What::role, {kBob}, {}, Role::admin));
  EXPECT_EQ(change(kBob, What::removed, {kDan})->members, 3u);
  const auto as_it_was = change(kCat, What::left);
  ASSERT_TRUE(as_it_was);
  EXPECT_EQ(as_it_was->members, 3u);
  EXPECT_EQ(members_of(kAnn), (std::vector{kAnn, kBob}));
  const auto given = change(kAnn, What::owner, {kBob});
  EXPECT_EQ(given->owner, kBob);
  EXPECT_EQ(given->role, Role::admin);
  EXPECT_EQ(given->version, 8u);
  EXPECT_EQ(change(kBob, What::dissolved)->members, 2u);
  EXPECT_EQ(error_of(run(service->view(kBob, club))).first, Code::not_found);
  EXPECT_TRUE(run(service->of(kAnn, GroupId(0), 10))->empty());

  const auto stored = log.changes(club);
  ASSERT_EQ(stored.size(), 9u);
  EXPECT_EQ(stored[3], (GroupChange{What::added, 4, {}, {kCat, kDan}, Role::member}));
  EXPECT_EQ(stored[4], (GroupChange{What::role, 5, {}, {kBob}, Role::admin}));
  EXPECT_EQ(stored[6], (GroupChange{What::left, 7, {}, {kCat}, Role::member}));
  EXPECT_TRUE(store.outbox(10)->empty());
}

TEST_P(GroupChanges, ChangesCheckEachField) {
  make_club();
  EXPECT_EQ(error_of(change(kAnn, What::created)), Error(Code::invalid_argument, "change"));
  EXPECT_EQ(error_of(change(kAnn, What::title)), Error(Code::invalid_argument, "title"));
  EXPECT_EQ(error_of(change(kAnn, What::title, {}, std::string(129, 'a'))),
            Error(Code::invalid_argument, "title"));
  EXPECT_EQ(error_of(change(kAnn, What::picture, {}, std::string(65, 'a'))),
            Error(Code::invalid_argument, "picture"));
  for (const auto what : {What::added, What::removed}) {
    EXPECT_EQ(error_of(change(kAnn, what)), Error(Code::invalid_argument, "user_ids"));
    EXPECT_EQ(error_of(change(kAnn, what, many(257))), Error(Code::too_large, "user_ids"));
  }
  for (const auto what : {What::role, What::owner})
    EXPECT_EQ(error_of(change(kAnn, what, {kBob, kCat})), Error(Code::invalid_argument, "user_id"));
  EXPECT_EQ(error_of(change(kAnn, What::role, {kBob}, {}, Role::owner)),
            Error(Code::invalid_argument, "role"));
  EXPECT_EQ(error_of(change(kAnn, What::added, {kNobody})), Error(Code::not_found, "user_ids"));
  EXPECT_EQ(error_of(change(kAnn, What::added, {kCat, kBob})),
            Error(Code::already_exists, "user_ids"));
  EXPECT_EQ(error_of(change(kAnn, What::removed, {kBob, kCat})),
            Error(Code::not_found, "user_ids"));
  EXPECT_EQ(error_of(change(kAnn, What::role, {kCat}, {}, Role::admin)),
            Error(Code::not_found, "user_id"));
  EXPECT_EQ(error_of(change(kAnn, What::owner, {kCat})), Error(Code::not_found, "user_id"));
  EXPECT_EQ(entries(), 1u);
}

TEST_P(GroupChanges, TheRulesOfWhoMayDoWhatAreAsked) {
  make_club({kBob, kCat});
  const Error forbidden(Code::forbidden, "");
  EXPECT_EQ(error_of(change(kBob, What::title, {}, "x")), forbidden);
  EXPECT_EQ(error_of(change(kBob, What::added, {kDan})), forbidden);
  EXPECT_EQ(error_of(change(kBob, What::removed, {kCat})), forbidden);
  EXPECT_EQ(error_of(change(kBob, What::dissolved)), forbidden);
  EXPECT_EQ(error_of(change(kAnn, What::left)), forbidden);
  ASSERT_TRUE(change(kAnn, What::role, {kBob}, {}, Role::admin));
  EXPECT_EQ(error_of(change(kBob, What::removed, {kCat, kAnn})), forbidden) << "one of them";
  EXPECT_EQ(error_of(change(kBob, What::owner, {kBob})), forbidden);
  EXPECT_EQ(entries(), 2u);
}

TEST_P(GroupChanges, WhatIsSoAlreadyIsASuccessWithoutAVersion) {
  make_club();
  EXPECT_EQ(change(kAnn, What::title, {}, "Club")->version, 1u);
  EXPECT_EQ(change(kAnn, What::picture, {}, "pic")->version, 1u);
  EXPECT_EQ(change(kAnn, What::role, {kBob}, {}, Role::member)->version, 1u);
  EXPECT_EQ(change(kAnn, What::owner, {kAnn})->version, 1u);
  EXPECT_EQ(entries(), 1u);
}

TEST_P(GroupChanges, AGroupHasAtMostSoManyMembers) {
  make_club(many(255));
  std::uint64_t version = 1;
  for (std::uint64_t at = 256; at + 256 <= kMostMembers; at += 256)
    ASSERT_TRUE(log_and_store({What::added, ++version, {}, many(256, 10'000 + at), Role::member}));
  // 99,840 are there.
  EXPECT_EQ(error_of(change(kAnn, What::added, many(161, 500'000))),
            Error(Code::too_large, "user_ids"));
  EXPECT_EQ(change(kAnn, What::added, many(160, 500'000))->members, kMostMembers);
  EXPECT_EQ(error_of(change(kAnn, What::added, {kBob})), Error(Code::too_large, "user_ids"));
}

TEST_P(GroupChanges, AConflictIsJudgedAgain) {
  make_club();
  store.conflicts = 3;
  EXPECT_EQ(change(kAnn, What::title, {}, "New")->version, 2u);
  store.conflicts = 100;
  EXPECT_EQ(error_of(change(kAnn, What::title, {}, "Newer")).first, Code::conflict);
  EXPECT_EQ(entries(), 2u);
}

TEST_P(GroupChanges, ChangesOfOneGroupAreMadeOneAfterAnother) {
  make_club();
  std::vector<std::future<Result<GroupView>>> all;
  for (std::uint64_t i = 0; i < 20; ++i)
    all.push_back(boost::asio::co_spawn(
        loops->at(i % loops->size()),
        service->change(kAnn, club, {What::added, 0, {}, {UserId(100 + i)}, Role::member}),
        boost::asio::use_future));
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(entries(), 21u) << "the log takes them in the order of their versions alone";
  EXPECT_EQ(members_of(kAnn).size(), 22u);
}

TEST_P(GroupChanges, WhatCannotBeAppendedIsStoredAndAppendedLater) {
  make_club();
  log.fail_appends(Code::unavailable);
  const auto refused = change(kAnn, What::title, {}, "New");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0u);
  EXPECT_EQ(run(service->view(kAnn, club))->title, "New");
  const auto next = change(kAnn, What::title, {}, "Newer");
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Code::unavailable) << "the one before comes first";
  log.fail_appends(std::nullopt);
  EXPECT_TRUE(wait_until([&] { return store.outbox(10)->empty(); }));
  EXPECT_TRUE(wait_until([&] { return change(kAnn, What::title, {}, "Newer").has_value(); }));
  EXPECT_EQ(entries(), 3u);
}

TEST_P(GroupChanges, WhoWaitsForATurnThatStallsIsToldSo) {
  make_club();
  log.fail_appends(Code::storage_full);
  std::vector<std::future<Result<GroupView>>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(boost::asio::co_spawn(
        loops->at(0), service->change(kAnn, club, {What::title, 0, std::to_string(i), {}, {}}),
        boost::asio::use_future));
  for (auto& one : all) EXPECT_EQ(one.get().error().code, Code::unavailable);
  EXPECT_EQ(store.outbox(10)->size(), 1u);
}

TEST_P(GroupChanges, ARestartAppendsTheOutboxOnce) {
  make_club();
  log.fail_appends(Code::unavailable);
  EXPECT_FALSE(change(kAnn, What::added, {kCat}));
  stop();
  EXPECT_EQ(entries(), 1u);
  ASSERT_EQ(store.outbox(10)->size(), 1u);
  log.fail_appends(std::nullopt);
  start();
  EXPECT_EQ(entries(), 2u) << "before anything else";
  EXPECT_TRUE(store.outbox(10)->empty());
  EXPECT_EQ(change(kAnn, What::title, {}, "New")->version, 3u);
  EXPECT_EQ(entries(), 3u);
}

TEST_P(GroupChanges, ACrashAfterTheAppendAppendsNothingTwice) {
  make_club();
  // Stored and in the log, and still in the outbox.
  ASSERT_TRUE(log_and_store({What::title, 2, "New", {}, Role::member}));
  stop();
  ASSERT_EQ(store.outbox(10)->size(), 1u);
  start();
  EXPECT_EQ(entries(), 2u);
  EXPECT_TRUE(store.outbox(10)->empty());
}

TEST_P(GroupChanges, AStartDoesNotWaitForALogThatIsFull) {
  make_club();
  log.fail_appends(Code::storage_full);
  EXPECT_FALSE(change(kAnn, What::title, {}, "New"));
  restart();
  EXPECT_FALSE(change(kAnn, What::title, {}, "Newer"));
  EXPECT_TRUE(create({}, "x").error().code == Code::unavailable);
  log.fail_appends(std::nullopt);
  EXPECT_TRUE(wait_until([&] { return change(kAnn, What::title, {}, "Newer").has_value(); }));
  EXPECT_TRUE(wait_until([&] { return create({}, "x").has_value(); }));
  // And it is the one of before.
  EXPECT_EQ(run(service->of(kAnn, GroupId(0), 10))->size(), 2u);
}

TEST_P(GroupChanges, AGroupsAndMembersComeInPages) {
  make_club({kBob, kCat});
  const auto other = create({kBob})->id;
  const auto first = run(service->of(kBob, GroupId(0), 1));
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(first->front().id, club);
  EXPECT_EQ(first->front().role, Role::member);
  EXPECT_EQ(run(service->of(kBob, club, 10))->front().id, other);
  const auto page = run(service->members(kBob, club, kAnn, 1));
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().user, kBob);
  EXPECT_EQ(page->front().since, clock.wall());
}

INSTANTIATE_TEST_SUITE_P(Loops, GroupChanges, testing::Values(1, 3));

}  // namespace
}  // namespace parley::group
