#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class PresenceFrames : public GatewayTest {
 protected:
  PresenceFrames() : PresenceFrames(1) {}
  /// User 1 knows 2 (who is online), 3 (who is not) and, by a group, 4 (never seen); not 5.
  explicit PresenceFrames(std::size_t loops) : GatewayTest(loops) {
    messages_.append(direct_id(1, 2), UserId(1), "hello");
    messages_.append(direct_id(1, 3), UserId(3), "hello");
    messages_.add_group(7, {1, 4});
    presence_.set(2, true, 2'000);
    presence_.set(3, false, 3'000);
    presence_.set(5, true, 5'000);
  }
  static v1::ClientFrame watch(std::uint64_t id, std::vector<std::uint64_t> users) {
    v1::ClientFrame frame;
    frame.set_id(id);
    frame.mutable_presence();
    for (const auto user : users) frame.mutable_presence()->add_user_ids(user);
    return frame;
  }
  using Seen = std::map<std::uint64_t, std::pair<bool, std::int64_t>>;
  /// The next so many frames, all of them `presence`.
  static Seen take(Client& client, std::size_t count, std::uint64_t re) {
    Seen seen;
    for (std::size_t i = 0; i < count; ++i) {
      const auto frame = client.next();
      if (!frame || !frame->has_presence()) {
        ADD_FAILURE() << (frame ? frame->ShortDebugString() : "the connection ended");
        break;
      }
      EXPECT_EQ(frame->re(), re);
      seen[frame->presence().user_id()] = {frame->presence().online(),
                                           frame->presence().last_seen_ms()};
    }
    return seen;
  }
  static std::set<UserId> users(std::vector<std::uint64_t> ids) {
    std::set<UserId> out;
    for (const auto id : ids) out.insert(UserId(id));
    return out;
  }
  void change(std::uint64_t user, bool online, std::int64_t last_seen) {
    gateway_->presence({{UserId(user), online, TimeMs(last_seen)}});
  }
  void expect_nothing(Client& client, std::uint64_t user) {
    deliver(messages_.append(direct_id(1, 2), UserId(1), "marker"), {user});
    const auto frame = client.next();
    EXPECT_TRUE(frame && frame->has_entry()) << frame->ShortDebugString();
  }
};
class PresenceOnTwoLoops : public PresenceFrames {
 protected:
  PresenceOnTwoLoops() : PresenceFrames(2) {}
};

TEST_F(PresenceFrames, AWatchIsAnsweredForEachAndThenHearsOfChanges) {
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire);
    alice->send({watch(100, {2, 3, 4, 3})});
    EXPECT_EQ(take(*alice, 3, 100), (Seen{{2, {true, 2'000}}, {3, {false, 3'000}}, {4, {}}}));
    EXPECT_EQ(presence_.watched(), users({2, 3, 4}));
    change(3, true, 4'000);
    EXPECT_EQ(take(*alice, 1, 0), (Seen{{3, {true, 4'000}}}));
    alice.reset();
    eventually([&] { return presence_.watched().empty(); });
  }
}

TEST_F(PresenceFrames, WhoMayNotBeSeenLooksAsIfNeverSeen) {
  start();
  auto alice = client(1);
  alice->send({watch(100, {2, 5, 99})});
  EXPECT_EQ(take(*alice, 3, 100), (Seen{{2, {true, 2'000}}, {5, {}}, {99, {}}}));
  EXPECT_EQ(presence_.watched(), users({2}));
  change(5, false, 6'000);
  expect_nothing(*alice, 1);
}

TEST_F(PresenceFrames, TheseAndNoOthersFromNowOn) {
  start();
  auto alice = client(1, Wire::json);
  alice->send({watch(100, {2, 3})});
  take(*alice, 2, 100);
  alice->send({watch(101, {3, 4})});
  EXPECT_EQ(take(*alice, 2, 101), (Seen{{3, {false, 3'000}}, {4, {}}}));
  EXPECT_EQ(presence_.watched(), users({3, 4}));
  change(2, false, 9'000);
  expect_nothing(*alice, 1);

  const auto none = alice->request(watch(0, {}));
  EXPECT_TRUE(none.has_result()) << none.ShortDebugString();
  eventually([&] { return presence_.watched().empty(); });
  change(3, true, 9'000);
  expect_nothing(*alice, 1);
}

TEST_F(PresenceFrames, ARequestThatAnotherOvertakesGetsAnEmptyResult) {
  start();
  auto alice = client(1);
  presence_.before_answer([] {});  // the first one's answer takes its time
  alice->send({watch(100, {2, 3}), watch(101, {2}), watch(0, {3}), watch(102, {4})});
  for (const std::uint64_t re : {100, 101}) {
    const auto overtaken = alice->next();
    EXPECT_TRUE(overtaken && overtaken->has_result()) << overtaken->ShortDebugString();
    EXPECT_EQ(overtaken->re(), re);
  }
  EXPECT_EQ(take(*alice, 1, 102), (Seen{{4, {}}}));
  EXPECT_EQ(presence_.watched(), users({4}));
  change(2, false, 9'000);
  expect_nothing(*alice, 1);
  EXPECT_TRUE(alice->request(ping(0)).has_pong());
}

TEST_F(PresenceFrames, WhatChangesBeforeTheAnswerIsInIt) {
  start();
  auto alice = client(1);
  presence_.before_answer([this] { change(2, false, 7'000); });
  alice->send({watch(100, {2, 3})});
  EXPECT_EQ(take(*alice, 2, 100), (Seen{{2, {false, 7'000}}, {3, {false, 3'000}}}));
  expect_nothing(*alice, 1);
}

TEST_F(PresenceFrames, ChangesOfATurnAreOneWithTheLatestState) {
  start();
  auto alice = client(1);
  alice->send({watch(100, {2})});
  take(*alice, 1, 100);
  boost::asio::post(loops_.at(0), [&] {
    for (int i = 0; i < 9; ++i) change(2, i % 2 == 0, i);
  });
  EXPECT_EQ(take(*alice, 1, 0), (Seen{{2, {true, 8}}}));
  expect_nothing(*alice, 1);
}

TEST_F(PresenceFrames, WhatIsWrongIsNamedAndTheWatchStays) {
  settings_.limits.watched_users = 4;
  start();
  for (const auto wire : {Wire::pb, Wire::json}) {
    auto alice = client(1, wire);
    alice->send({watch(100, {2})});
    take(*alice, 1, 100);
    const auto many = alice->request(watch(0, {1, 2, 3, 4, 5}));
    EXPECT_EQ(code_of(many), "too_large");
    EXPECT_EQ(many.error().field(), "user_ids");
    const auto zero = alice->request(watch(0, {3, 0}));
    EXPECT_EQ(code_of(zero), "invalid_argument");
    EXPECT_EQ(zero.error().field(), "user_ids[1]");
    messages_.fail_reads(Error{Code::unavailable, "the store is away"});
    EXPECT_EQ(code_of(alice->request(watch(0, {3}))), "unavailable");
    messages_.fail_reads({});
    EXPECT_EQ(presence_.watched(), users({2}));
    change(2, false, 8'000);
    EXPECT_EQ(take(*alice, 1, 0), (Seen{{2, {false, 8'000}}}));
    presence_.fail_with(Error{Code::busy, "too much to do"});
    EXPECT_EQ(code_of(alice->request(watch(0, {3}))), "busy");
    presence_.fail_with({});
    alice->send({watch(101, {3})});
    EXPECT_EQ(take(*alice, 1, 101), (Seen{{3, {false, 3'000}}}));
  }
}

TEST_F(PresenceOnTwoLoops, WatchersOfAllLoopsHearAndThePresenceServiceIsToldOnce) {
  start();
  std::vector<std::unique_ptr<Client>> watchers;
  for (std::uint64_t i = 0; i < 6; ++i) {
    watchers.push_back(client(1, Wire::pb, 10 + i));
    watchers.back()->send({watch(100, {2, 3})});
    take(*watchers.back(), 2, 100);
  }
  EXPECT_EQ(presence_.watched(), users({2, 3}));
  EXPECT_EQ(presence_.watches(), 1) << "what is watched already is not said again";
  change(3, true, 4'000);
  for (auto& watcher : watchers) EXPECT_EQ(take(*watcher, 1, 0), (Seen{{3, {true, 4'000}}}));
  while (watchers.size() > 1) watchers.pop_back();
  eventually([&] { return metric("parley_gateway_sessions") == 1; });
  EXPECT_EQ(presence_.watched(), users({2, 3})) << "as long as one is left";
  watchers.clear();
  eventually([&] { return presence_.watched().empty(); });
}

TEST_F(PresenceFrames, ASessionWhoseOutputIsFullIsToldTheLatestOnceItHasDrained) {
  settings_.edge.output_high_water = 64 * 1024;
  start();
  net::testing::Client slow(port_, 4096);
  v1::ClientBatch hello;
  hello.add_frames()->mutable_hello()->set_token(token(1));
  *hello.add_frames() = watch(100, {2});
  slow.upgrade("parley.v1.pb",
               net::testing::client_frame(net::Opcode::binary, hello.SerializeAsString()));
  eventually([&] { return presence_.watched() == users({2}); });
  // Full, and still so after all that the socket takes was written: the peer does not read.
  auto other = client(2);
  const std::string text(16 * 1024, 'x');
  for (int held = 0, i = 0; held < 3; ++i) {
    ASSERT_LT(i, 5'000) << "the output never fills";
    const auto before = metric("parley_gateway_held_back_total");
    deliver(messages_.append(direct_id(1, 2), UserId(2), text), {1});
    EXPECT_TRUE(other->request(ping(0)).has_pong());
    held = metric("parley_gateway_held_back_total") > before ? held + 1 : 0;
  }
  for (int i = 1; i <= 1'000; ++i) change(2, i % 2 == 0, 10'000 + i);
  gateway_->typing({{direct_id(1, 2), UserId(2), {UserId(1)}}});
  std::vector<std::int64_t> live;
  int typing = 0;
  while (live.empty() || live.back() != 11'000) {
    v1::ServerBatch batch;
    ASSERT_TRUE(batch.ParseFromString(slow.read_frame().payload));
    for (const auto& frame : batch.frames()) {
      if (frame.has_presence() && frame.re() == 0) live.push_back(frame.presence().last_seen_ms());
      typing += frame.has_typing();
    }
  }
  EXPECT_EQ(live.size(), 1) << "the latest alone";
  EXPECT_EQ(typing, 0) << "what was typed then is of no use any more";
}

}  // namespace
}  // namespace parley::gateway::testing
