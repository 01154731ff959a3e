#include <future>

#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

class Drain : public GatewayTest {};

TEST_F(Drain, TellsClientsToReconnectAnswersWhatWasTakenAndCloses) {
  start();
  auto alice = client(1), bob = client(2, Wire::json);
  messages_.hold_answers();
  alice->send({send(100, "d:1:2", "x")});
  eventually([&] { return messages_.asked_sends() == 1; });
  std::promise<void> drained;
  gateway_->drain(std::chrono::seconds(10), [&] { drained.set_value(); });
  for (auto* one : {alice.get(), bob.get()}) {
    const auto notice = one->next();
    ASSERT_TRUE(notice && notice->has_reconnect());
    EXPECT_LE(notice->reconnect().after_ms(), 5'000);
  }
  alice->send({send(101, "d:1:2", "y")});
  const auto refused = alice->next();
  EXPECT_EQ(refused->re(), 101);
  EXPECT_EQ(code_of(*refused), "unavailable");
  EXPECT_TRUE(refused->error().retryable());

  messages_.release_answers();
  const auto answer = alice->next();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->re(), 100);
  EXPECT_TRUE(answer->result().has_sent());
  EXPECT_EQ(alice->close_code(), 4000);
  EXPECT_EQ(bob->close_code(), 4000);
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(sessions_.told().back(), (std::pair{UserId(2), false}));
  loops_.stop();
  gateway_.reset();
}

TEST_F(Drain, DoesNotWaitForAnAnswerBeyondItsDeadline) {
  start();
  auto alice = client(1);
  messages_.hold_answers();
  alice->send({send(100, "d:1:2", "x")});
  eventually([&] { return messages_.asked_sends() == 1; });
  std::promise<void> drained;
  gateway_->drain(std::chrono::milliseconds(700), [&] { drained.set_value(); });
  EXPECT_EQ(alice->close_code(), 4000);
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  messages_.release_answers();  // an answer to a connection that is gone does no harm
  loops_.stop();
  gateway_.reset();
}

TEST_F(Drain, NobodyConnectsAnyMore) {
  start();
  stop();
  EXPECT_ANY_THROW(Client(port_, Wire::pb));
}

}  // namespace
}  // namespace parley::gateway::testing
