#include "domain/group_rules.h"
#include "services/message/testing/fixture.h"

namespace parley::message::testing {
namespace {

const GroupId kGroup(913);
const ConversationId kRoom = ConversationId::group(kGroup.value);

using What = GroupChange::What;

class GroupLogTest : public MessageServiceTest {
 protected:
  GroupChange change(What what, std::vector<UserId> who, std::string text = {}) {
    return {what, ++version, std::move(text), std::move(who), Role::member};
  }
  Result<Head> append(GroupChange what, UserId actor = kAnn) {
    return run(service->append(kGroup, actor, std::move(what)));
  }
  void create(std::vector<UserId> who = {kAnn, kBob}) {
    ASSERT_TRUE(append(change(What::created, std::move(who), "sailing")));
  }
  Result<Head> say(UserId who, const std::string& key) {
    return send({message(1, who, key, "body of " + key, kRoom)})[0].sent;
  }
  std::vector<std::uint64_t> seqs_of(UserId who) {
    std::vector<std::uint64_t> out;
    auto page = run(service->history(who, kRoom, {}));
    if (!page) return out;
    for (const auto& entry : page->entries) out.push_back(entry->seq.value);
    return out;
  }
  std::uint64_t version = 0;
};

TEST_P(GroupLogTest, AChangeIsAnEntryAndItsUsersAreMembersFromIt) {
  create();
  EXPECT_EQ(say(kAnn, "1")->seq, Seq(2));
  EXPECT_EQ(say(kBob, "2")->seq, Seq(3));
  const auto entries = memory.read(kRoom, Seq(1), Seq(1), 1, false);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front()->kind, EntryKind::group_change);
  EXPECT_EQ(entries->front()->change->text, "sailing");
  EXPECT_EQ(entries->front()->countable, 0u) << "a change is no message";
  EXPECT_EQ(entries->front()->group.members, 2u);
}

TEST_P(GroupLogTest, StrangersSeeNoDifferenceToAGroupThatDoesNotExist) {
  const auto before = say(kCat, "k");
  create();
  const auto after = say(kCat, "k");
  ASSERT_FALSE(before);
  ASSERT_FALSE(after);
  EXPECT_EQ(before.error().code, Code::not_found);
  EXPECT_EQ(before.error().message, after.error().message);
  EXPECT_EQ(mark(kCat, Seq(1), Seq(1), kRoom).error().code, Code::not_found);
  EXPECT_EQ(run(service->history(kCat, kRoom, {})).error().code, Code::not_found);
  EXPECT_EQ(run(service->view(kCat, kRoom)).error().code, Code::not_found);
  EXPECT_EQ(run(service->entries(kCat, kRoom, Seq(1), Seq(9), 9)).error().code, Code::not_found);
  EXPECT_EQ(run(service->receipts(kCat, kRoom, Seq(1))).error().code, Code::not_found);
  EXPECT_TRUE(run(service->changes(kCat, {}))->changes.empty());
}

TEST_P(GroupLogTest, AMemberReadsFromJoiningToLeaving) {
  create();
  say(kAnn, "before");                                 // 2
  ASSERT_TRUE(append(change(What::added, {kCat})));    // 3
  say(kAnn, "during");                                 // 4
  ASSERT_TRUE(append(change(What::removed, {kCat})));  // 5
  say(kAnn, "after");                                  // 6
  EXPECT_EQ(seqs_of(kCat), (std::vector<std::uint64_t>{3, 4, 5}));
  EXPECT_EQ(seqs_of(kBob), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(run(service->entries(kCat, kRoom, Seq(1), Seq(9), 9))->size(), 3u);
  const auto view = run(service->view(kCat, kRoom));
  EXPECT_EQ(view->joined, Seq(3));
  EXPECT_EQ(view->left, Seq(5));
  EXPECT_EQ(view->head.seq, Seq(5));
  EXPECT_EQ(unread(view->head.countable, view->own), 1u) << "the one message while a member";
  EXPECT_EQ(say(kCat, "k").error().code, Code::forbidden);
  EXPECT_FALSE(mark(kCat, Seq(6), Seq(0), kRoom)) << "beyond what it may read";
  EXPECT_TRUE(mark(kCat, Seq(5), Seq(5), kRoom));
  const auto missed = run(service->changes(kCat, {}));
  ASSERT_EQ(missed->changes.size(), 1u);
  EXPECT_EQ(missed->changes[0].from, Seq(3));
  EXPECT_EQ(missed->changes[0].view.head.seq, Seq(5));
}

TEST_P(GroupLogTest, WhoComesBackBeginsAnew) {
  create();
  ASSERT_TRUE(append(change(What::left, {kBob}), kBob));
  say(kAnn, "alone");
  ASSERT_TRUE(append(change(What::added, {kBob})));
  EXPECT_EQ(say(kBob, "again")->seq, Seq(5));
  EXPECT_EQ(seqs_of(kBob), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(run(service->view(kBob, kRoom))->left, Seq(0));
}

TEST_P(GroupLogTest, TheSameVersionTwiceIsAnsweredAgainAndAnotherOrderIsAConflict) {
  create();
  const auto title = change(What::title, {}, "rowing");
  const auto first = append(title);
  const auto again = append(title);
  ASSERT_TRUE(first);
  ASSERT_TRUE(again);
  EXPECT_EQ(first->seq, again->seq);
  EXPECT_EQ(first->id, again->id);
  auto skipping = change(What::title, {}, "x");
  skipping.version += 5;
  EXPECT_EQ(append(skipping).error().code, Code::conflict);
  EXPECT_EQ(memory.head(kRoom)->seq, Seq(2));
}

TEST_P(GroupLogTest, ARetriedSendGetsItsFirstAnswerAfterTheSenderWasRemoved) {
  create();
  const auto sent = say(kBob, "k");
  ASSERT_TRUE(append(change(What::removed, {kBob})));
  const auto again = say(kBob, "k");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->seq, sent->seq);
}

TEST_P(GroupLogTest, ADissolvedGroupTakesNothingAndStaysReadable) {
  create();
  say(kAnn, "1");
  ASSERT_TRUE(append(change(What::dissolved, {})));
  EXPECT_EQ(say(kBob, "k").error().code, Code::gone);
  EXPECT_EQ(seqs_of(kBob), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_P(GroupLogTest, MembershipIsReadFromTheLogAfterARestart) {
  create();
  ASSERT_TRUE(append(change(What::added, {kCat})));
  ASSERT_TRUE(append(change(What::left, {kBob}), kBob));
  stop();
  start();
  EXPECT_TRUE(say(kCat, "k"));
  EXPECT_EQ(say(kBob, "k").error().code, Code::forbidden);
  EXPECT_EQ(append({What::title, version, "old", {}, Role::member}).error().code, Code::conflict)
      << "another change of a version that the log has";
}

TEST_P(GroupLogTest, UnreadIsExactForEveryMember) {
  create({kAnn, kBob, kCat});
  for (int i = 0; i < 5; ++i) say(kAnn, "a" + std::to_string(i));
  ASSERT_TRUE(mark(kBob, Seq(4), Seq(4), kRoom));
  ASSERT_TRUE(append(change(What::title, {}, "t")));
  const auto unread_of = [&](UserId who) {
    const auto view = run(service->view(who, kRoom));
    return unread(view->head.countable, view->own);
  };
  EXPECT_EQ(unread_of(kAnn), 0u);
  EXPECT_EQ(unread_of(kBob), 2u);
  EXPECT_EQ(unread_of(kCat), 5u);
}

TEST_P(GroupLogTest, AWideGroupIsFoundAtResumeWithoutInboxRows) {
  std::vector<UserId> many{kAnn, kBob};
  for (std::uint64_t i = 0; i < kInboxMembers - 2; ++i) many.emplace_back(1'000 + i);
  create(many);
  say(kAnn, "narrow");
  const auto before = run(service->changes(kBob, {}))->cursor;
  ASSERT_TRUE(append(change(What::added, {kCat})));
  EXPECT_TRUE(memory.head(kRoom)->group.wide);
  const auto row = [&](UserId who) { return memory.inbox(who, TimeMs(0), {}, 9)->at(0); };
  EXPECT_TRUE(row(kBob).wide) << "everybody's row says so once";
  const auto head_then = row(kBob).head;
  clock.advance(60s);
  const auto sent = say(kAnn, "wide");
  ASSERT_TRUE(sent);
  EXPECT_EQ(row(kBob).head, head_then) << "an entry of a wide group writes no inbox row";
  for (const auto who : {kBob, kCat}) {
    const auto missed = run(service->changes(who, before));
    ASSERT_EQ(missed->changes.size(), 1u);
    EXPECT_EQ(missed->changes[0].view.head.seq, sent->seq);
  }
  const auto later = run(service->changes(kBob, {}))->cursor;
  clock.advance(60s);
  EXPECT_TRUE(run(service->changes(kBob, {later.epoch, hybrid.now()}))->changes.empty());
  stop();
  start();
  EXPECT_TRUE(say(kCat, "k")) << "members of a wide group are looked up one by one";
  EXPECT_EQ(say(kNobody, "k").error().code, Code::not_found);
}

TEST_P(GroupLogTest, AuthorsAreToldOnceASecondWhoConfirmedAndRead) {
  online(kAnn);
  create({kAnn, kBob, kCat});
  const auto seq = say(kAnn, "1")->seq;
  ASSERT_TRUE(mark(kBob, seq, Seq(0), kRoom));
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.receipt_notices).empty(); }));
  const auto first = out.copy(out.receipt_notices)[0];
  EXPECT_EQ(first.user, kBob);
  EXPECT_EQ(first.recipients, std::vector<UserId>{kAnn});
  ASSERT_TRUE(mark(kCat, seq, Seq(0), kRoom));
  ASSERT_TRUE(mark(kBob, seq, seq, kRoom));
  EXPECT_EQ(out.copy(out.receipt_notices).size(), 1u) << "within the same second";
  clock.advance(1s);
  ASSERT_TRUE(wait_until([&] { return out.copy(out.receipt_notices).size() == 3; }));
  const auto receipts = run(service->receipts(kAnn, kRoom, seq));
  EXPECT_EQ(receipts->members, 2u);
  EXPECT_EQ(receipts->delivered, 2u);
  EXPECT_EQ(receipts->read, 1u);
  EXPECT_EQ(receipts->each.size(), 2u);
}

/// Where there is one log.
class GroupFeedTest : public GroupLogTest {};
TEST_P(GroupFeedTest, TheFeedHasGroupEntriesInOrderAndWakesWhoWaits) {
  auto& feed = service->feed();
  EXPECT_TRUE(run(feed.read(0, 10, 0ms))->items.empty());
  send({message(1, kAnn, "direct", "x")});
  auto waiting =
      boost::asio::co_spawn(loops->at(0), feed.read(0, 10, 30s), boost::asio::use_future);
  create();
  auto page = waiting.get();
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].entry->kind, EntryKind::group_change);
  for (int i = 0; i < 4; ++i) say(kAnn, std::to_string(i));
  page = run(feed.read(page->next, 3, 0ms));
  ASSERT_EQ(page->items.size(), 3u);
  EXPECT_EQ(page->items[0].entry->seq, Seq(2));
  page = run(feed.read(page->next, 3, 0ms));
  ASSERT_EQ(page->items.size(), 1u);
  feed.passed("groups", page->next);
  EXPECT_EQ(run(feed.position("groups")), page->next);
}

TEST_P(GroupLogTest, AFullDiskFailsAChangeWhichComesAgain) {
  create();
  const auto title = change(What::title, {}, "rowing");
  full.full = true;
  EXPECT_EQ(append(title).error().code, Code::storage_full);
  full.full = false;
  EXPECT_EQ(append(title)->seq, Seq(2));
}

TEST_P(GroupLogTest, WhoSharesAConversationIsVisible) {
  send({message(1, kAnn, "k", "x")});
  create({kBob, kCat});
  using Users = std::vector<UserId>;
  EXPECT_EQ(*run(service->visible(kAnn, {kBob, kCat})), Users{kBob});
  EXPECT_EQ(run(service->visible(kBob, {kAnn, kCat, kNobody}))->size(), 2u);
  ASSERT_TRUE(append(change(What::left, {kCat}), kCat));
  EXPECT_EQ(*run(service->visible(kBob, {kAnn, kCat})), Users{kAnn});
}

INSTANTIATE_TEST_SUITE_P(Loops, GroupLogTest, kShapes, name_of);
INSTANTIATE_TEST_SUITE_P(Loops, GroupFeedTest, ::testing::Values(Shape{1, true}, Shape{2, true}),
                         name_of);

}  // namespace
}  // namespace parley::message::testing
