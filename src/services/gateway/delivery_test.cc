#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class Deliveries : public GatewayTest {};
class TwoLoops : public GatewayTest {
 protected:
  TwoLoops() : GatewayTest(2) {}
};

std::string late_cursor() { return Cursor{FakeMessages::kEpoch, TimeMs(9'000)}.text(); }

TEST_F(Deliveries, AnEntryReachesEverySessionOfItsRecipientsAndNoOther) {
  start();
  auto pb = client(2), json = client(2, Wire::json, 21), other = client(3);
  deliver(messages_.append(direct_id(1, 2), UserId(1), "hello", TimeMs(1)), {1, 2});
  for (auto* one : {pb.get(), json.get()}) {
    const auto entry = one->next_entry();
    EXPECT_EQ(entry.conversation_id(), "d:1:2");
    EXPECT_EQ(entry.seq(), 1);
    EXPECT_EQ(entry.sender(), 1);
    EXPECT_EQ(entry.body().text(), "hello");
  }
  other->send({ping(100)});
  EXPECT_TRUE(other->next()->has_pong()) << "nothing came before it";
}

TEST_F(Deliveries, TheConnectionThatSentIsLeftOut) {
  start();
  auto sender = client(1), second = client(1);
  sender->say("d:1:2", "k", "x");
  const auto origin = messages_.sent().at(0).origin;
  deliver(messages_.append(direct_id(1, 2), UserId(1), "x"), {1, 2}, origin);
  EXPECT_EQ(second->next_entry().seq(), 2);
  sender->send({ping(100)});
  EXPECT_TRUE(sender->next()->has_pong());
}

TEST_F(Deliveries, ReceiptsAndChangesReachTheirPeople) {
  start();
  auto alice = client(1), bob = client(2, Wire::json);
  gateway_->receipts({{direct_id(1, 2), UserId(2), {Seq(5), Seq(4), 4}, {UserId(1)}}});
  const auto receipt = alice->next();
  ASSERT_TRUE(receipt && receipt->has_receipt());
  EXPECT_EQ(receipt->receipt().user_id(), 2);
  EXPECT_EQ(receipt->receipt().delivered(), 5);
  EXPECT_EQ(receipt->receipt().read(), 4);

  ConversationView view;
  view.conversation = direct_id(1, 2);
  view.head = {Seq(9), MessageId(1), TimeMs(1), 8};
  view.own = {Seq(9), Seq(6), 5};
  view.others = {{UserId(1), {Seq(3), Seq(2), 2}}};
  gateway_->changed({{UserId(2), view, Origin(0)}});
  const auto changed = bob->next();
  ASSERT_TRUE(changed && changed->has_conversation());
  EXPECT_EQ(changed->conversation().head(), 9);
  EXPECT_EQ(changed->conversation().unread(), 3);
  EXPECT_EQ(changed->conversation().others(0).user_id(), 1);
}

TEST_F(Deliveries, AChangeOfAGroupIsAnEntryLiveInABacklogAndInHistory) {
  const auto where = ConversationId::group(913);
  messages_.add_group(913, {1, 2});
  start();
  auto live = client(2);
  auto entry = std::make_shared<Entry>();
  entry->conversation = where;
  entry->seq = Seq(1);
  entry->sender = UserId(1);
  entry->time = TimeMs(10'000);
  entry->kind = EntryKind::group_change;
  const GroupChange change{GroupChange::What::created, 1, "Sailing", {UserId(1), UserId(2)}};
  entry->change = std::make_shared<const GroupChange>(change);
  deliver(entry, {2});
  messages_.append(entry);
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto later = client(2, wire);
    v1::ClientFrame ask;
    ask.mutable_history()->set_conversation_id("g:913");
    const auto history = later->request(ask).result().history();
    ASSERT_EQ(history.entries_size(), 1);
    std::vector<v1::Entry> seen{history.entries(0)};
    if (wire == Wire::pb) seen.push_back(live->next_entry());
    for (const auto& frame : later->backlog) {
      if (frame.has_entry()) seen.push_back(frame.entry());
      if (frame.has_conversation()) {
        EXPECT_EQ(frame.conversation().joined(), 1);
        EXPECT_EQ(frame.conversation().left(), 0);
        EXPECT_EQ(frame.conversation().members(), 2);
      }
    }
    EXPECT_EQ(seen.size(), wire == Wire::pb ? 3 : 2);
    for (const auto& one : seen) {
      EXPECT_FALSE(one.has_body());
      EXPECT_EQ(one.group_change().version(), 1);
      EXPECT_EQ(one.group_change().created().title(), "Sailing");
      EXPECT_EQ(one.group_change().created().members_size(), 2);
    }
  }
}

TEST_F(Deliveries, ABacklogHoldsWhatIsNewAndSaysWhatItLeavesOut) {
  settings_.limits.backlog_per_conversation = 60;
  settings_.limits.backlog_entries = 100;
  start();
  for (int i = 1; i <= 100; ++i) {
    messages_.append(direct_id(1, 2), UserId(2), std::to_string(i), TimeMs(i));
    messages_.append(direct_id(1, 3), UserId(3), std::to_string(i), TimeMs(i));
  }
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire, 0, Cursor{FakeMessages::kEpoch, TimeMs(11)}.text());
    std::map<std::string, std::vector<std::uint64_t>> entries;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> gaps;
    for (const auto& frame : alice->backlog) {
      if (frame.has_entry())
        entries[frame.entry().conversation_id()].push_back(frame.entry().seq());
      if (frame.has_gap())
        gaps[frame.gap().conversation_id()] = {frame.gap().from(), frame.gap().to()};
    }
    // The newest change gets its full share, the other what is left.
    ASSERT_EQ(entries["d:1:3"].size(), 60);
    ASSERT_EQ(entries["d:1:2"].size(), 40);
    EXPECT_EQ(entries["d:1:2"].front(), 61);
    EXPECT_EQ(entries["d:1:2"].back(), 100);
    EXPECT_EQ(gaps["d:1:2"], (std::pair<std::uint64_t, std::uint64_t>{11, 60}));
    EXPECT_EQ(gaps["d:1:3"], (std::pair<std::uint64_t, std::uint64_t>{11, 40}));
    EXPECT_EQ(alice->backlog.back().backlog_end().entries(), 100);
  }
}

TEST_F(Deliveries, SyncReadsTheBacklogAgain) {
  start();
  auto alice = client(1);
  messages_.append(direct_id(1, 2), UserId(2), "x", TimeMs(10'000));
  v1::ClientFrame sync;
  sync.mutable_sync()->set_cursor(alice->cursor);
  const auto end = alice->request(sync);
  EXPECT_EQ(end.backlog_end().entries(), 1);
  EXPECT_EQ(alice->next_entry().seq(), 1);
}

TEST_F(Deliveries, AStoreThatCannotBeReadIsSaidAndSyncTriesAgain) {
  start();
  messages_.fail_reads(Error{Code::unavailable, "the store is away"});
  Client alice(port_, Wire::pb);
  alice.hello(token(1));
  EXPECT_EQ(code_of(alice.backlog.back()), "unavailable");
  EXPECT_TRUE(alice.backlog.back().error().retryable());
  messages_.fail_reads({});
  v1::ClientFrame sync;
  sync.mutable_sync();
  EXPECT_TRUE(alice.request(sync).has_backlog_end());
}

TEST_F(Deliveries, WhatASlowReaderWasNotGivenIsReadAgainFromTheStore) {
  settings_.edge.output_high_water = 64 * 1024;
  settings_.limits.backlog_per_conversation = 100'000;
  settings_.limits.backlog_entries = 100'000;
  start();
  // A reader with a small window that says hello and then does not read.
  net::testing::Client slow(port_, 4096);
  v1::ClientBatch hello;
  hello.add_frames()->mutable_hello()->set_token(token(2));
  hello.mutable_frames(0)->mutable_hello()->set_cursor(late_cursor());
  slow.upgrade("parley.v1.pb",
               net::testing::client_frame(net::Opcode::binary, hello.SerializeAsString()));
  eventually([&] { return metric("parley_gateway_sessions") == 1; });

  const std::string text(4096, 'x');
  std::uint64_t last = 0;
  while (metric("parley_gateway_held_back_total") < 100) {
    const auto entry = messages_.append(direct_id(1, 2), UserId(1), text,
                                        TimeMs(10'000 + static_cast<std::int64_t>(++last)));
    deliver(entry, {2});
    ASSERT_LT(last, 20'000) << "the output never fills";
    if (last % 50 == 0) std::this_thread::yield();
  }
  // It reads on: every entry comes, those held back too.
  std::set<std::uint64_t> seen;
  while (seen.size() < last) {
    const auto frame = slow.read_frame();
    if (frame.opcode != net::Opcode::binary) continue;
    v1::ServerBatch batch;
    ASSERT_TRUE(batch.ParseFromString(frame.payload));
    for (const auto& one : batch.frames()) {
      if (one.has_entry()) seen.insert(one.entry().seq());
      EXPECT_FALSE(one.has_gap());
    }
  }
  EXPECT_EQ(*seen.rbegin(), last);
  EXPECT_GT(messages_.last_since(), TimeMs(10'000)) << "read from where it was held back";
}

TEST_F(Deliveries, WhatMayNotHaveComeIsReadAgainFromTheStore) {
  start();
  auto alice = client(1), bob = client(2, Wire::json);
  messages_.append(direct_id(1, 2), UserId(2), "never handed over", system_clock_.wall());
  gateway_->read_again(std::chrono::seconds(1));
  for (auto* one : {alice.get(), bob.get()})
    EXPECT_EQ(one->next_entry().body().text(), "never handed over");
}

TEST_F(Deliveries, WhatCannotBeReadAgainYetIsTriedUntilItCan) {
  start();
  auto alice = client(1), bob = client(2, Wire::json);
  messages_.append(direct_id(1, 2), UserId(2), "never handed over", system_clock_.wall());
  messages_.fail_reads(Error{Code::unavailable, "nobody serves this conversation"});
  gateway_->read_again(std::chrono::seconds(1));
  eventually([&] { return messages_.failed_reads() >= 6; });
  // Meanwhile what is handed over comes as ever.
  deliver(messages_.append(direct_id(1, 2), UserId(2), "live", system_clock_.wall()), {1, 2});
  for (auto* one : {alice.get(), bob.get()}) EXPECT_EQ(one->next_entry().body().text(), "live");
  messages_.fail_reads({});
  for (auto* one : {alice.get(), bob.get()})
    EXPECT_EQ(one->next_entry().body().text(), "never handed over");
}

TEST_F(Deliveries, WhatCanNeverBeReadAgainEndsTheSession) {
  start();
  auto alice = client(1);
  messages_.fail_reads(Error{Code::damaged, "the store is damaged"});
  gateway_->read_again(std::chrono::seconds(1));
  EXPECT_EQ(alice->close_code(), 1011);
}

TEST_F(Deliveries, AGatewayThatWasStoppedReadsAgain) {
  clock_ = &manual_clock_;
  start();
  auto alice = client(1);
  messages_.append(direct_id(1, 2), UserId(2), "handed over meanwhile", manual_clock_.wall());
  manual_clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(alice->next_entry().body().text(), "handed over meanwhile");
}

TEST_F(Deliveries, AReaderThatNeverReadsIsClosed) {
  settings_.edge.stalled_close = std::chrono::milliseconds(100);
  start();
  net::testing::Client slow(port_, 4096);
  v1::ClientBatch hello;
  hello.add_frames()->mutable_hello()->set_token(token(2));
  slow.upgrade("parley.v1.pb",
               net::testing::client_frame(net::Opcode::binary, hello.SerializeAsString()));
  eventually([&] { return metric("parley_gateway_sessions") == 1; });
  const std::string text(16 * 1024, 'x');
  std::uint64_t made = 0;
  eventually([&] {
    if (made < 2'000) {
      deliver(messages_.append(direct_id(1, 2), UserId(1), text, TimeMs(10'000)), {2});
      ++made;
    }
    return metric("parley_gateway_sessions") == 0;
  });
}

TEST_F(TwoLoops, EntriesReachSessionsOnEitherLoop) {
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint64_t user = 1; user <= 4; ++user)
    for (std::uint64_t device = 0; device < 4; ++device)
      clients.push_back(client(user, device % 2 ? Wire::json : Wire::pb, user * 10 + device));
  deliver(messages_.append(direct_id(1, 2), UserId(1), "x"), {1, 2, 3, 4});
  for (auto& one : clients) EXPECT_EQ(one->next_entry().seq(), 1);
  using Told = std::vector<std::pair<UserId, bool>>;
  EXPECT_EQ(sessions_.told(),
            (Told{{UserId(1), true}, {UserId(2), true}, {UserId(3), true}, {UserId(4), true}}));
  gateway_->sign_out(UserId(1), DeviceId(0));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(clients[i]->close_code(), 4502);
}

TEST_F(TwoLoops, ClientsAndDeliveriesTogether) {
  start();
  std::vector<std::thread> threads;
  std::atomic<bool> ended{false};
  threads.emplace_back([&] {
    while (!ended) {
      deliver(messages_.append(direct_id(8, 9), UserId(9), "x"), {1, 2, 3, 4, 8});
      gateway_->receipts({{direct_id(1, 2), UserId(2), {Seq(1), Seq(1), 1}, {UserId(1)}}});
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (std::uint64_t user = 1; user <= 4; ++user)
    threads.emplace_back([&, user] {
      for (int round = 0; round < 5; ++round) {
        auto mine = client(user, round % 2 ? Wire::json : Wire::pb);
        for (int i = 0; i < 5; ++i) {
          const auto key = std::to_string(round) + "-" + std::to_string(i);
          const auto peer = user == 1 ? 2 : 1;
          const auto id = direct_id(user, static_cast<std::uint64_t>(peer)).text();
          EXPECT_TRUE(mine->say(id, key, "x").result().has_sent());
        }
      }
    });
  for (std::size_t i = 1; i < threads.size(); ++i) threads[i].join();
  ended = true;
  threads[0].join();
  EXPECT_EQ(messages_.asked_sends(), 100);
}

}  // namespace
}  // namespace parley::gateway::testing
