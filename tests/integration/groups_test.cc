// Groups, typing and presence as people see them, over real sockets and every wire.
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <set>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Groups : public ::testing::TestWithParam<Client::Wire> {
 protected:
  static void SetUpTestSuite() {
    suite = std::make_unique<SuiteServer>(
        std::vector<std::string>{"--limits-sends_per_second", "100000"});
  }
  static void TearDownTestSuite() { suite.reset(); }
  Groups()
      : ann(sign_up(server.port(), own_name("ann"))),
        bob(sign_up(server.port(), own_name("bob"))),
        cat(sign_up(server.port(), own_name("cat"))) {}

  std::unique_ptr<Client> connect(const v1::Tokens& who, const std::string& cursor = "") {
    auto client = std::make_unique<Client>(server.next_port(), GetParam());
    client->hello(who.access_token(), cursor);
    return client;
  }
  Http call(const v1::Tokens& who, const std::string& method, const std::string& target,
            const std::string& body = "") {
    return http(server.next_port(), method, target, body, who.access_token());
  }
  template <class Message>
  static Message parsed(const Http& answer) {
    Message out;
    EXPECT_EQ(answer.status / 100, 2u) << answer.body;
    const auto done = google::protobuf::util::JsonStringToMessage(answer.body, &out);
    EXPECT_TRUE(done.ok()) << answer.body;
    return out;
  }
  void create(const std::vector<const v1::Tokens*>& members) {
    std::string ids;
    for (const auto* member : members)
      ids += fmt::format("{}\"{}\"", ids.empty() ? "" : ",", member->user_id());
    group = parsed<v1::Group>(
        call(ann, "POST", "/v1/groups",
             fmt::format(R"({{"request_id":"r1","title":"sailing","members":[{}]}})", ids)));
    place = group.conversation_id();
    path = fmt::format("/v1/groups/{}", group.group_id());
  }
  Http add(const v1::Tokens& by, const v1::Tokens& who) {
    return call(by, "POST", path + "/members",
                fmt::format(R"({{"user_ids":["{}"]}})", who.user_id()));
  }
  v1::History history(const v1::Tokens& who) {
    return parsed<v1::History>(call(who, "GET", "/v1/conversations/" + place + "/messages"));
  }
  std::uint64_t unread(const v1::Tokens& who) {
    return parsed<v1::Conversation>(call(who, "GET", "/v1/conversations/" + place)).unread();
  }
  /// The next entries of the group are these, live ones perhaps twice and out of order.
  void expect_seqs(Client& client, std::uint64_t from, std::uint64_t to) const {
    std::set<std::uint64_t> got;
    while (got.size() <= to - from && !HasFailure()) {
      const auto entry = client.next_entry();
      EXPECT_EQ(entry.conversation_id(), place);
      EXPECT_LE(entry.seq(), to);
      if (entry.seq() >= from) got.insert(entry.seq());
    }
  }

  static std::unique_ptr<SuiteServer> suite;
  ServerProcess& server = suite->server;
  v1::Tokens ann, bob, cat;
  v1::Group group;
  std::string place, path;
};
std::unique_ptr<SuiteServer> Groups::suite;

TEST_P(Groups, EveryMemberSeesTheSameLogAlsoAfterAKill) {
  create({&bob, &cat});
  auto a = connect(ann), b = connect(bob), c = connect(cat);
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE((i % 2 ? b : a)->say(place, fmt::format("k{}", i), "text").result().has_sent());
  expect_seqs(*c, 2, 11);
  server.kill_hard();
  server.start();
  const auto of_ann = history(ann), of_cat = history(cat);
  ASSERT_EQ(of_ann.entries_size(), 11);
  EXPECT_TRUE(of_ann.entries(0).group_change().has_created());
  EXPECT_EQ(of_ann.SerializeAsString(), of_cat.SerializeAsString());
  EXPECT_EQ(unread(cat), 10u);
  EXPECT_EQ(unread(bob), 0u) << "sending moves one's own mark";
  auto again = connect(ann);
  EXPECT_EQ(again->say(place, "k0", "text").result().sent().seq(), 2u) << "a retry";
  EXPECT_EQ(again->say(place, "new", "text").result().sent().seq(), 12u);
  auto late = connect(cat);
  EXPECT_EQ(late->backlog.empty(), false);
}

TEST_P(Groups, WhoJoinsSeesWhatFollowsAndWhoIsRemovedNothingMore) {
  create({&bob});
  auto a = connect(ann), c = connect(cat);
  a->say(place, "1", "before");           // 2
  EXPECT_EQ(add(ann, cat).status, 200u);  // 3
  // By `seq`: what is not confirmed may come once more.
  const auto entry = [&c](std::uint64_t seq) {
    const auto frame = c->next(
        [seq](const v1::ServerFrame& f) { return f.has_entry() && f.entry().seq() == seq; });
    EXPECT_TRUE(frame) << seq;
    return frame ? frame->entry() : v1::Entry();
  };
  EXPECT_TRUE(entry(3).group_change().has_added());
  a->say(place, "2", "during");  // 4
  EXPECT_EQ(entry(4).body().text(), "during");
  const auto cursor = c->cursor;
  EXPECT_EQ(call(ann, "DELETE", fmt::format("{}/members/{}", path, cat.user_id())).status, 200u);
  EXPECT_TRUE(entry(5).group_change().has_removed());  // 5
  a->say(place, "3", "after");                         // 6
  EXPECT_EQ(c->say(place, "4", "x").error().code(), "forbidden");
  const auto seen = history(cat);
  ASSERT_EQ(seen.entries_size(), 3);
  EXPECT_EQ(seen.entries(0).seq(), 3u);
  EXPECT_EQ(seen.entries(2).seq(), 5u);
  auto again = connect(cat, cursor);
  for (const auto& frame : again->backlog)
    if (frame.has_entry()) EXPECT_LE(frame.entry().seq(), 5u);
  EXPECT_EQ(call(cat, "GET", path).status, 404u);
  EXPECT_EQ(add(cat, bob).status, 404u) << "one who is out cannot tell it from none";
  EXPECT_EQ(add(bob, cat).status, 403u) << "a member may not";
  EXPECT_EQ(add(ann, bob).status, 409u) << "is a member";
}

TEST_P(Groups, ADeviceThatWasAwayGetsWhatItMissedInOneRoundTrip) {
  create({&bob});
  std::string cursor;
  {
    auto b = connect(bob);
    cursor = b->cursor;
  }
  auto a = connect(ann);
  a->say(place, "1", "one");
  call(ann, "PATCH", path, R"({"title":"rowing"})");
  a->say(place, "2", "two");
  auto b = connect(bob, cursor);
  std::set<std::uint64_t> seqs;  // the last one may come live besides
  for (const auto& frame : b->backlog)
    if (frame.has_entry() && frame.entry().seq() > 1) seqs.insert(frame.entry().seq());
  EXPECT_EQ(seqs, (std::set<std::uint64_t>{2, 3, 4}));
}

TEST_P(Groups, AuthorsHearWhoConfirmedAndRead) {
  create({&bob, &cat});
  auto a = connect(ann), b = connect(bob);
  const auto seq = a->say(place, "1", "one").result().sent().seq();
  expect_seqs(*b, seq, seq);  // that of the creation may still be on its way when one connects
  v1::ClientFrame read;
  read.mutable_read()->set_conversation_id(place);
  read.mutable_read()->set_seq(seq);
  EXPECT_TRUE(b->request(read).has_result());
  const auto receipt = a->next([&](const v1::ServerFrame& frame) {
    return frame.has_receipt() && frame.receipt().read() == seq;
  });
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->receipt().user_id(), bob.user_id());
  const auto counts = parsed<v1::Receipts>(
      call(ann, "GET", fmt::format("/v1/conversations/{}/receipts?seq={}", place, seq)));
  EXPECT_EQ(counts.members(), 2u);
  EXPECT_EQ(counts.read(), 1u);
}

TEST_P(Groups, TypingAndPresenceReachThoseWhoShareAConversation) {
  create({&bob});
  auto a = connect(ann), stranger = connect(cat);
  v1::ClientFrame watch;
  watch.mutable_presence()->add_user_ids(bob.user_id());
  auto first = a->request(watch);
  EXPECT_EQ(first.presence().user_id(), bob.user_id());
  EXPECT_FALSE(first.presence().online());
  EXPECT_FALSE(stranger->request(watch).presence().online());

  auto b = connect(bob);
  const auto online = [](const v1::ServerFrame& frame) {
    return frame.has_presence() && frame.presence().online();
  };
  ASSERT_TRUE(a->next(online));
  v1::ClientFrame typing;
  typing.mutable_typing()->set_conversation_id(place);
  b->send({typing});
  const auto notice = a->next([](const v1::ServerFrame& frame) { return frame.has_typing(); });
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->typing().user_id(), bob.user_id());
  EXPECT_EQ(notice->typing().conversation_id(), place);
  // Whatever the stranger was told came before the answer to this.
  v1::ClientFrame ping;
  ping.mutable_ping();
  EXPECT_TRUE(stranger->request(ping).has_pong());
}

TEST_P(Groups, CreatingTwiceWithOneKeyMakesOneGroup) {
  create({&bob});
  const auto id = group.group_id();
  create({&bob});
  EXPECT_EQ(group.group_id(), id);
  EXPECT_EQ(parsed<v1::Groups>(call(bob, "GET", "/v1/groups")).groups_size(), 1);
  EXPECT_EQ(call(ann, "POST", path + "/leave").status, 403u) << "the owner cannot leave";
  EXPECT_EQ(call(bob, "DELETE", path).status, 403u);
  EXPECT_EQ(call(ann, "DELETE", path).status, 200u);
  auto b = connect(bob);
  EXPECT_EQ(b->say(place, "k", "x").error().code(), "gone");
}

INSTANTIATE_TEST_SUITE_P(Wires, Groups,
                         ::testing::Values(Client::Wire::pb, Client::Wire::json,
                                           Client::Wire::http),
                         [](const auto& wire) { return Client::name(wire.param); });

}  // namespace
}  // namespace parley::testing
