#include "traffic.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_server.h"

namespace parley::load {
namespace {

/// The whole load program but its command line, against a server that does as it is told.
class TrafficTest : public testing::Test {
 protected:
  TrafficTest() {
    options.users = 4;
    options.outstanding = 2;
    options.messages = 30;
    options.duration = 30;  // the number of messages ends it
    options.read_every = 1;
    options.settle = 30;
    options.quiet = true;
  }

  Result run(FakeServer& server) {
    std::vector<Account> accounts;
    for (std::size_t user = 1; user <= options.users; ++user) {
      Account account{.user = user * 7, .name = "someone", .tokens = {}, .groups = {}};
      for (std::size_t device = 1; device <= options.devices; ++device)
        account.tokens.push_back({device, std::to_string(account.user)});
      accounts.push_back(account);
    }
    Target target;
    target.host = server.address();
    target.address.sin_family = AF_INET;
    target.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(target.host.substr(target.host.find(':') + 1))));
    Traffic traffic(options, target, std::move(accounts),
                    {.unix_ms = 1'770'000'000'000,
                     .nonce = 5,
                     .all_ready = [] {},
                     .receipts = [&](const auto&, const auto& where,
                                     auto seq) { return server.receipts(where, seq); }},
                    groups);
    return traffic.run();
  }

  static std::string all(const Result& result) {
    std::string text;
    for (const Fault& fault : result.faults.kept())
      text +=
          std::string(kFaultNames[static_cast<std::size_t>(fault.kind)]) + ": " + fault.text + "\n";
    return text;
  }

  /// Everyone is in one group, and half of the sends go there.
  FakeServer::Groups all_in_one() {
    GroupPlan& plan = groups.emplace_back();
    plan.conversation = "g:913";
    std::vector<std::uint64_t> users;
    for (std::size_t i = 0; i < options.users; ++i) {
      plan.members.push_back(i);
      users.push_back((i + 1) * 7);
    }
    plan.posters = options.users;
    return {{"g:913", users}};
  }

  Options options;
  std::vector<GroupPlan> groups;
};

TEST_F(TrafficTest, ProvesAServerThatKeepsItsPromises) {
  options.devices = 2;
  options.conversations = 6;
  FakeServer server({});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_EQ(result[Counter::acknowledged], 4 * 30U);
  EXPECT_EQ(result.acknowledgement.count(), 4 * 30U);
  EXPECT_EQ(result.delivery.count(), 4 * 30 * 2U) << "each of the receiver's two devices";
  EXPECT_EQ(result[Counter::history_entries], 4 * 30 * 2U) << "as each member reads it";
  EXPECT_GE(result[Counter::views], 12U);
}

TEST_F(TrafficTest, SendsAtARate) {
  options.rate = 2'000;
  options.messages = 0;
  options.duration = 0.5;
  FakeServer server({});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_EQ(result[Counter::sent], 1'000U) << "however late the process came to it";
}

TEST_F(TrafficTest, LetsDevicesDropAndComeBack) {
  options.drop_rate = 40;
  options.rate = 500;
  options.messages = 0;
  options.duration = 2;
  options.devices = 2;
  FakeServer server({});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_GT(result[Counter::drops], 0U);
  EXPECT_EQ(result[Counter::drops], result[Counter::reconnects]);
}

TEST_F(TrafficTest, ResendsWhatWasNotAcknowledgedWhenTheServerVanishes) {
  options.kill_aware = true;
  FakeServer server({.close_after = 50});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_GT(result[Counter::resent], 0U);
  EXPECT_EQ(result[Counter::acknowledged], 4 * 30U);
  ASSERT_EQ(result.interruptions.size(), 1U);
  EXPECT_GE(result.interruptions[0].unanswered, 1U);
  EXPECT_GE(result.interruptions[0].stored, 1U) << "one was stored and not answered";
}

TEST_F(TrafficTest, TriesAgainWhatFailedForNow) {
  FakeServer server({.retryable_every = 7});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_GT(result.errors.at("unavailable"), 0U);
  EXPECT_EQ(result[Counter::sends_refused], result.errors.at("unavailable"));
  EXPECT_EQ(result[Counter::acknowledged], 4 * 30U);
}

TEST_F(TrafficTest, FetchesAGapThatStaysOpen) {
  FakeServer server({.hide_live = 5});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_GE(result[Counter::holes_fetched], 1U);
}

TEST_F(TrafficTest, ConfirmsWhatItsOwnResultCompletes) {
  options.users = 2;
  options.messages = 1;
  options.outstanding = 1;
  FakeServer server({.late_result = 1});
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
}

TEST_F(TrafficTest, FindsAServerThatCutsConnections) {
  FakeServer server({.close_after = 50});
  const Result result = run(server);
  EXPECT_EQ(result.faults.count(FaultKind::disconnected), 4U) << all(result);
}

TEST_F(TrafficTest, FindsAServerThatLoses) {
  FakeServer server({.lose_stored = 50});
  const Result result = run(server);
  EXPECT_EQ(result.faults.count(FaultKind::lost), 1U) << all(result);
}

TEST_F(TrafficTest, FindsAServerThatDoubles) {
  FakeServer server({.double_stored = 50});
  EXPECT_GT(run(server).faults.count(FaultKind::doubled), 0U);
}

TEST_F(TrafficTest, FindsAServerThatSwaps) {
  options.outstanding = 1;
  options.users = 2;
  FakeServer server({.swap_stored = 20});
  const Result result = run(server);
  EXPECT_GT(result.faults.total(), 0U) << all(result);
}

TEST_F(TrafficTest, FindsAServerThatShowsTwoContents) {
  FakeServer server({.other_content = 50});
  const Result result = run(server);
  EXPECT_GT(result.faults.count(FaultKind::two_contents), 0U);
  EXPECT_EQ(result.faults.count(FaultKind::two_contents), result.faults.total()) << all(result);
}

TEST_F(TrafficTest, FindsAServerThatMiscountsUnread) {
  FakeServer server({.wrong_unread = true});
  EXPECT_GT(run(server).faults.count(FaultKind::unread), 0U);
}

TEST_F(TrafficTest, FindsAServerThatNeverDelivers) {
  options.users = 2;
  options.messages = 1;
  options.outstanding = 1;
  options.settle = 1;  // it never will
  FakeServer server({.withhold = 2});
  const Result result = run(server);
  EXPECT_GT(result.faults.count(FaultKind::missing), 0U) << all(result);
  EXPECT_GT(result.faults.count(FaultKind::unconfirmed), 0U) << all(result);
}

TEST_F(TrafficTest, ProvesGroupsTypingAndPresence) {
  options.devices = 2;
  options.typing = 0.5;
  options.presence = 1;
  FakeServer server({}, all_in_one());
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_EQ(result[Counter::acknowledged], 4 * 30U);
  const auto posts = result[Counter::group_sends];
  EXPECT_GT(posts, 30U);
  EXPECT_LT(posts, 90U);
  EXPECT_EQ(result.everywhere.count(), posts);
  EXPECT_EQ(result.delivery.count(), (120 - posts) * 2 + posts * 3 * 2);
  EXPECT_GT(result[Counter::typing_sent], 0U);
  EXPECT_GT(result[Counter::typing_told], result[Counter::typing_sent]);
  EXPECT_GT(result[Counter::presence_asked], 0U);
  EXPECT_GT(result[Counter::presence_told], result[Counter::presence_asked]);
  EXPECT_GT(result[Counter::group_receipts], 0U);
}

TEST_F(TrafficTest, WaitsUntilAPostIsEverywhere) {
  options.group_ratio = 1;
  options.until_everywhere = true;
  options.outstanding = 1;
  FakeServer server({}, all_in_one());
  groups[0].posters = 1;
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_EQ(result[Counter::group_sends], 30U) << "one posts, and nobody talks in pairs";
  EXPECT_EQ(result[Counter::acknowledged], 30U);
  EXPECT_EQ(result.everywhere.count(), 30U);
}

TEST_F(TrafficTest, LetsMembersDropAndComeBack) {
  options.drop_rate = 40;
  options.rate = 300;
  options.messages = 0;
  options.duration = 2;
  options.presence = 1;
  FakeServer server({}, all_in_one());
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_GT(result[Counter::drops], 0U);
}

TEST_F(TrafficTest, ResendsToGroupsWhenTheServerVanishes) {
  options.kill_aware = true;
  options.group_ratio = 1;
  FakeServer server({.close_after = 50}, all_in_one());
  const Result result = run(server);
  EXPECT_EQ(result.faults.total(), 0U) << all(result);
  EXPECT_EQ(result[Counter::group_sends], 4 * 30U);
  EXPECT_EQ(result.interruptions.size(), 1U);
}

TEST_F(TrafficTest, FindsAMemberWhoMissesOne) {
  options.group_ratio = 1;
  options.settle = 1;  // it never comes
  FakeServer server({.skip_member = 20}, all_in_one());
  groups[0].posters = 1;
  const Result result = run(server);
  EXPECT_GT(result.faults.count(FaultKind::missing), 0U) << all(result);
  EXPECT_GT(result.faults.count(FaultKind::not_dense) + result.faults.count(FaultKind::disagree),
            0U)
      << all(result);
}

TEST_F(TrafficTest, FindsAGroupThatLosesOrDoubles) {
  options.group_ratio = 1;
  FakeServer loses({.lose_stored = 50}, all_in_one());
  EXPECT_EQ(run(loses).faults.count(FaultKind::lost), 1U);
  FakeServer doubles({.double_stored = 50}, {{"g:913", {7, 14, 21, 28}}});
  EXPECT_GT(run(doubles).faults.count(FaultKind::doubled), 0U);
}

TEST_F(TrafficTest, FindsAReceiptThatWasForgotten) {
  options.group_ratio = 1;
  options.settle = 1;  // it never comes
  FakeServer server({.forget_receipt = true}, all_in_one());
  groups[0].posters = 1;
  const Result result = run(server);
  EXPECT_EQ(result.faults.count(FaultKind::unconfirmed), 1U) << all(result);
  EXPECT_EQ(result.faults.total(), 1U) << all(result);
}

TEST_F(TrafficTest, FindsTypingOfSomebodyElse) {
  options.typing = 1;
  FakeServer server({.wrong_typist = true}, all_in_one());
  const Result result = run(server);
  EXPECT_EQ(result.faults.count(FaultKind::untrue), result.faults.total()) << all(result);
  EXPECT_GT(result.faults.total(), 0U);
}

TEST_F(TrafficTest, FindsPeopleShownAsAbsent) {
  options.presence = 1;
  options.settle = 1;  // it never says so
  FakeServer server({.deny_presence = true}, all_in_one());
  const Result result = run(server);
  EXPECT_EQ(result.faults.count(FaultKind::untrue), result.faults.total()) << all(result);
  EXPECT_GT(result.faults.total(), 0U);
}

}  // namespace
}  // namespace parley::load
