#include "services/message/testing/fixture.h"

namespace parley::message::testing {
namespace {

TEST_P(MessageServiceTest, NumbersEntriesInOrderOfArrival) {
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 1; i <= 500; ++i)
    batch.push_back(
        message(i, i % 3 ? kAnn : kBob, "key" + std::to_string(i), "text" + std::to_string(i)));
  auto answers = send(std::move(batch));
  std::ranges::sort(answers, {}, &SendAnswer::token);
  for (std::uint64_t i = 1; i <= 500; ++i) {
    ASSERT_TRUE(answers[i - 1].sent);
    EXPECT_EQ(answers[i - 1].sent->seq, Seq(i));
    if (i > 1) {
      EXPECT_GT(answers[i - 1].sent->id, answers[i - 2].sent->id);
    }
  }
  EXPECT_EQ(memory.head(kTalk)->seq, Seq(500));
}

TEST_P(MessageServiceTest, RetriesGetTheFirstAnswerAndAnotherBodyIsAConflict) {
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 0; i < 5; ++i) batch.push_back(message(i, kAnn, "same", "body"));
  auto answers = send(batch);
  for (auto& again : send(batch)) answers.push_back(again);
  ASSERT_EQ(answers.size(), 10u);
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.sent);
    EXPECT_EQ(answer.sent->seq, Seq(1));
    EXPECT_EQ(answer.sent->id, answers[0].sent->id);
  }
  EXPECT_EQ(send({message(1, kAnn, "same", "other")})[0].sent.error().code, Code::conflict);
  EXPECT_TRUE(send({message(1, kBob, "same", "other")})[0].sent) << "the key is the sender's own";
  auto both = send({message(1, kAnn, "new", "one"), message(2, kAnn, "new", "two")});
  EXPECT_EQ(std::ranges::count_if(both, [](auto& a) { return a.sent.has_value(); }), 1);
}

TEST_P(MessageServiceTest, AKeyGreaterThanAnyBeforeIsNotLookedUp) {
  std::uint64_t token = 0;
  const auto seq_of = [&](UserId sender, std::uint64_t number) {
    const auto sent = send({message(++token, sender, key_7(number), "body")})[0].sent;
    return sent ? sent->seq.value : 0;
  };
  EXPECT_EQ(seq_of(kAnn, 50), 1u);
  EXPECT_EQ(seq_of(kAnn, 60), 2u);
  EXPECT_EQ(seq_of(kBob, 70), 3u);
  EXPECT_EQ(seq_of(kAnn, 65), 4u) << "greater than her own";
  EXPECT_EQ(full.finds, 0);
  EXPECT_EQ(seq_of(kAnn, 60), 2u) << "a retry";
  EXPECT_EQ(seq_of(kAnn, 65), 4u);
  EXPECT_EQ(seq_of(kBob, 70), 3u);
  EXPECT_EQ(seq_of(kAnn, 40), 5u) << "not used, but not certainly";
  EXPECT_EQ(full.finds, 4);
  // Retries behind the first, in one batch and across the end of a commit.
  std::vector<SendRequest> batch;
  const auto many = Settings{}.batch_entries;
  for (std::uint64_t i = 0; i < many; ++i)
    batch.push_back(message(i, kAnn, key_7(100 + i), "body"));
  batch.push_back(message(many, kAnn, key_7(100), "body"));
  batch.push_back(message(many + 1, kAnn, key_7(100 + many), "body"));
  batch.push_back(message(many + 2, kAnn, key_7(100 + many), "body"));
  auto answers = send(std::move(batch));
  std::ranges::sort(answers, {}, &SendAnswer::token);
  for (const auto& answer : answers) ASSERT_TRUE(answer.sent) << answer.sent.error().message;
  EXPECT_EQ(answers[many].sent->seq, answers[0].sent->seq);
  EXPECT_EQ(answers[many + 2].sent->seq, answers[many + 1].sent->seq);
  EXPECT_EQ(memory.head(kTalk)->seq.value, 5 + many + 1);
}

TEST_P(MessageServiceTest, KeysAreStillKnownAfterARestart) {
  ASSERT_TRUE(send({message(1, kAnn, key_7(5), "one")})[0].sent);
  ASSERT_TRUE(send({message(2, kAnn, key_7(9), "two")})[0].sent);
  stop();
  start();
  const auto finds = full.finds.load();
  const auto greater = send({message(3, kAnn, key_7(10), "three")})[0].sent;
  ASSERT_TRUE(greater);
  EXPECT_EQ(greater->seq, Seq(3));
  EXPECT_EQ(full.finds, finds);
  const auto again = send({message(4, kAnn, key_7(9), "two")})[0].sent;
  ASSERT_TRUE(again);
  EXPECT_EQ(again->seq, Seq(2));
}

TEST_P(MessageServiceTest, ATwinBehindTheEndOfACommitGetsTheFirstAnswer) {
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 1; i <= 600; ++i)  // of which 256 are one commit
    batch.push_back(message(i, kAnn, "key" + std::to_string(i % 300), "x"));
  auto answers = send(std::move(batch));
  std::ranges::sort(answers, {}, &SendAnswer::token);
  for (std::uint64_t i = 1; i <= 600; ++i) {
    ASSERT_TRUE(answers[i - 1].sent);
    EXPECT_EQ(answers[i - 1].sent->id, answers[(i - 1) % 300].sent->id);
  }
  EXPECT_EQ(memory.head(kTalk)->seq, Seq(300));
}

TEST_P(MessageServiceTest, StrangersAndUnknownConversationsLookAlike) {
  auto stranger = send({message(1, kNobody, "k", "x")})[0].sent;
  auto unknown = send({message(1, kAnn, "k", "x", ConversationId::direct(kAnn, kNobody))})[0].sent;
  ASSERT_FALSE(stranger);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(stranger.error().code, Code::not_found);
  EXPECT_EQ(stranger.error().message, unknown.error().message);
  EXPECT_EQ(run(service->history(kNobody, kTalk, {})).error().code, Code::not_found);
  EXPECT_EQ(run(service->history(kAnn, kTalk, {})).error().code, Code::not_found);
  EXPECT_EQ(run(service->entries(kNobody, kTalk, Seq(1), Seq(9), 9)).error().code, Code::not_found);
  EXPECT_EQ(mark(kNobody, Seq(1), Seq(0)).error().code, Code::not_found);
}

TEST_P(MessageServiceTest, DeliversToBothUsersButNotToTheOrigin) {
  online(kAnn);
  online(kBob);
  send({message(1, kAnn, "k", "hello", kTalk, Origin(77))});
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.entries).empty(); }));
  auto delivered = out.copy(out.entries)[0];
  EXPECT_EQ(delivered.entry->body, "hello");
  EXPECT_EQ(delivered.origin, Origin(77));
  EXPECT_EQ(delivered.recipients, (std::vector{kAnn, kBob}));
}

TEST_P(MessageServiceTest, PushesAtOnceWhereNobodyIsConnected) {
  send({message(1, kAnn, "k", "hello")});
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.pushes).empty(); }));
  EXPECT_EQ(out.copy(out.pushes)[0].user, kBob);
  EXPECT_EQ(out.copy(out.pushes)[0].seq, Seq(1));
}

TEST_P(MessageServiceTest, APushThatCannotBeTakenIsTriedAgainUnlessADeviceConfirms) {
  const auto other = ConversationId::direct(kAnn, kCat);
  out.refuses_pushes = true;
  send({message(1, kAnn, "k", "hello"), message(2, kAnn, "k", "hello", other)});
  ASSERT_TRUE(wait_until([&] { return out.refused_pushes == 2; })) << "to each of the two";
  ASSERT_TRUE(mark(kBob, Seq(1), Seq(0)));
  ASSERT_TRUE(wait_until([&] {
    clock.advance(1'000ms);
    return out.refused_pushes >= 4;
  }));
  out.refuses_pushes = false;
  ASSERT_TRUE(wait_until([&] {
    clock.advance(1'000ms);
    return !out.copy(out.pushes).empty();
  }));
  clock.advance(10'000ms);
  EXPECT_EQ(out.copy(out.pushes).size(), 1u);
  EXPECT_EQ(out.copy(out.pushes)[0].user, kCat);
}

TEST_P(MessageServiceTest, PushesWhenNoDeviceConfirmsInTimeAndHandsOverOnceMore) {
  online(kBob);
  send({message(1, kAnn, "k", "hello")});
  clock.advance(2'900ms);
  std::this_thread::sleep_for(250ms);  // a tick too early must do nothing
  EXPECT_TRUE(out.copy(out.pushes).empty());
  clock.advance(700ms);
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.pushes).empty(); }));
  ASSERT_TRUE(wait_until([&] { return out.copy(out.entries).size() == 2; }));
  EXPECT_EQ(out.copy(out.pushes).size(), 1u);
}

TEST_P(MessageServiceTest, DoesNotPushWhatADeviceConfirmed) {
  online(kBob);
  send({message(1, kAnn, "k", "hello"), message(2, kAnn, "k2", "again")});
  ASSERT_TRUE(mark(kBob, Seq(2), Seq(0)));
  send({message(3, kAnn, "k3", "third")});
  clock.advance(10'000ms);
  ASSERT_TRUE(wait_until([&] { return !out.copy(out.pushes).empty(); }));
  EXPECT_EQ(out.copy(out.pushes).size(), 1u);
  EXPECT_EQ(out.copy(out.pushes)[0].seq, Seq(3));
}

TEST_P(MessageServiceTest, TheDutySurvivesARestart) {
  online(kBob);
  send({message(1, kAnn, "k", "hello")});
  stop();
  EXPECT_TRUE(out.copy(out.pushes).empty());
  start();
  clock.advance(10'000ms);
  std::this_thread::sleep_for(50ms);
  ASSERT_TRUE(wait_until([&] {
    clock.advance(1'000ms);
    return !out.copy(out.pushes).empty();
  }));
  EXPECT_EQ(out.copy(out.pushes)[0].user, kBob);
}

TEST_P(MessageServiceTest, ReadMovesUnreadAndTellsTheOthers) {
  online(kAnn);
  online(kBob);
  send({message(1, kAnn, "a", "1"), message(2, kAnn, "b", "2"), message(3, kAnn, "c", "3")});
  auto seen = run(service->conversations(kBob, {}, 10));
  ASSERT_EQ(seen->size(), 1u);
  EXPECT_EQ(unread(seen->front().head.countable, seen->front().own), 3u);
  ASSERT_TRUE(mark(kBob, Seq(0), Seq(2)));
  seen = run(service->conversations(kBob, {}, 10));
  EXPECT_EQ(unread(seen->front().head.countable, seen->front().own), 1u);
  EXPECT_EQ(unread(3, run(service->conversations(kAnn, {}, 10))->front().own), 0u)
      << "sending reads";
  ASSERT_TRUE(wait_until([&] { return out.copy(out.receipt_notices).size() == 1; }));
  EXPECT_EQ(out.copy(out.receipt_notices)[0].marks.read, Seq(2));
  EXPECT_EQ(out.copy(out.receipt_notices)[0].recipients, std::vector{kAnn});
  ASSERT_TRUE(wait_until([&] { return out.copy(out.changes).size() == 1; }));
  EXPECT_EQ(out.copy(out.changes)[0].user, kBob);

  ASSERT_TRUE(mark(kBob, Seq(0), Seq(1))) << "marks only grow, an older one is no error";
  EXPECT_EQ(mark(kBob, Seq(0), Seq(4)).error().code, Code::invalid_argument);
  ASSERT_TRUE(mark(kBob, Seq(0), Seq(3)));
  EXPECT_EQ(out.copy(out.receipt_notices).size(), 1u) << "at most one receipt a second";
  clock.advance(1'100ms);
  ASSERT_TRUE(wait_until([&] { return out.copy(out.receipt_notices).size() == 2; }));
  EXPECT_EQ(out.copy(out.receipt_notices)[1].marks.read, Seq(3));
}

TEST_P(MessageServiceTest, AFullStoreFailsWhatIsQueuedBehindAndWorksAgainLater) {
  send({message(1, kAnn, "a", "1")});
  full.full = true;
  std::vector<SendRequest> batch;
  for (std::uint64_t i = 0; i < 600; ++i)
    batch.push_back(message(i, kAnn, "k" + std::to_string(i), "x"));
  for (const auto& answer : send(batch)) {
    ASSERT_FALSE(answer.sent);
    EXPECT_EQ(answer.sent.error().code, Code::storage_full);
  }
  full.full = false;
  auto again = send(batch);
  std::ranges::sort(again, {}, &SendAnswer::token);
  for (std::uint64_t i = 0; i < 600; ++i) EXPECT_EQ(again[i].sent->seq, Seq(i + 2));
}

TEST_P(MessageServiceTest, ChangesAreWhatCameSinceTheCursor) {
  send({message(1, kAnn, "a", "1")});
  auto first = run(service->changes(kBob, {}));
  ASSERT_EQ(first->changes.size(), 1u);
  EXPECT_EQ(first->changes[0].from, Seq(1));
  clock.advance(60'000ms);
  EXPECT_TRUE(
      run(service->changes(kBob, Cursor{first->cursor.epoch, hybrid.now()}))->changes.empty());
  send({message(2, kAnn, "b", "2")});
  auto second = run(service->changes(kBob, first->cursor));
  ASSERT_EQ(second->changes.size(), 1u);
  EXPECT_EQ(second->changes[0].from, Seq(1)) << "five seconds are read again";
  clock.advance(60'000ms);
  send({message(3, kAnn, "c", "3")});
  auto third =
      run(service->changes(kBob, Cursor{first->cursor.epoch, TimeMs(hybrid.now().value - 10)}));
  ASSERT_EQ(third->changes.size(), 1u);
  EXPECT_EQ(third->changes[0].from, Seq(3));
  auto other_epoch = run(service->changes(kBob, Cursor{first->cursor.epoch + 1, hybrid.now()}));
  EXPECT_EQ(other_epoch->changes[0].from, Seq(1));
}

TEST_P(MessageServiceTest, WhatIsInMemoryIsReadAtOnceAndTheRestOnThePool) {
  send({message(1, kAnn, "a", "1")});
  const auto warm = run(service->changes(kBob, {}));
  EXPECT_EQ(full.slow_reads, 0);
  full.cold = true;
  const auto cold = run(service->changes(kBob, {}));
  EXPECT_EQ(full.slow_reads, 1);
  ASSERT_TRUE(warm && cold);
  ASSERT_EQ(warm->changes.size(), 1u);
  ASSERT_EQ(cold->changes.size(), 1u);
  EXPECT_EQ(cold->changes[0].from, warm->changes[0].from);
}

TEST_P(MessageServiceTest, HistoryPagesBeforeAfterAroundAndByTime) {
  std::vector<TimeMs> times;
  for (int i = 1; i <= 10; ++i) {
    times.push_back(send({message(1, kAnn, "k" + std::to_string(i), "x")})[0].sent->time);
    clock.advance(1'000ms);
  }
  using From = HistoryQuery::From;
  auto seqs = [&](From from, std::uint64_t at, std::size_t limit) {
    std::vector<std::uint64_t> out_seqs;
    auto page = run(service->history(kBob, kTalk, {from, at, limit}));
    EXPECT_TRUE(page);
    for (auto& e : page->entries) out_seqs.push_back(e->seq.value);
    return out_seqs;
  };
  using V = std::vector<std::uint64_t>;
  EXPECT_EQ(seqs(From::before, 0, 3), (V{8, 9, 10}));
  EXPECT_EQ(seqs(From::before, 8, 3), (V{5, 6, 7}));
  EXPECT_EQ(seqs(From::before, 1, 3), V{});
  EXPECT_EQ(seqs(From::after, 8, 3), (V{9, 10}));
  EXPECT_EQ(seqs(From::after, 10, 3), V{});
  EXPECT_EQ(seqs(From::after, 0, 2), (V{1, 2}));
  EXPECT_EQ(seqs(From::around, 5, 4), (V{3, 4, 5, 6}));
  EXPECT_EQ(seqs(From::around, 1, 4), (V{1, 2, 3, 4}));
  EXPECT_EQ(seqs(From::before_time, static_cast<std::uint64_t>(times[4].value), 2), (V{3, 4}));
  EXPECT_EQ(seqs(From::after_time, static_cast<std::uint64_t>(times[4].value), 2), (V{5, 6}));
  EXPECT_EQ(seqs(From::around_time, static_cast<std::uint64_t>(times[4].value), 2), (V{4, 5}));
  EXPECT_EQ(seqs(From::after_time, static_cast<std::uint64_t>(times[9].value) + 1, 2), V{});
}

TEST_P(MessageServiceTest, AClockSetBackAnHourNeitherRepeatsNorReordersIds) {
  auto before = send({message(1, kAnn, "a", "1")})[0].sent;
  clock.set_wall(TimeMs(clock.wall().value - 3'600'000));
  auto after = send({message(1, kAnn, "b", "2")})[0].sent;
  EXPECT_GT(after->id, before->id);
  EXPECT_GE(after->time, before->time);
  stop();
  start();
  EXPECT_GT(send({message(1, kAnn, "c", "3")})[0].sent->id, after->id);
}

TEST_P(MessageServiceTest, NotesToOneselfWork) {
  auto notes = ConversationId::direct(kAnn, kAnn);
  EXPECT_EQ(send({message(1, kAnn, "a", "1", notes)})[0].sent->seq, Seq(1));
  EXPECT_TRUE(out.copy(out.pushes).empty());
  EXPECT_EQ(run(service->conversations(kAnn, {}, 10))->size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Loops, MessageServiceTest, kShapes, name_of);

}  // namespace
}  // namespace parley::message::testing
