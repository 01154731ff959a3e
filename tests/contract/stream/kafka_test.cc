// What only the Kafka adapter can get wrong.
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "adapters/stream/kafka/consumer.h"
#include "adapters/stream/kafka/publisher.h"
#include "tests/support/backends/backends.h"

namespace parley::stream {

struct BreakKafkaPublisher {
  /// As librdkafka does when the broker's sequence numbers are not the producer's.
  static void by_fatal_error(KafkaPublisher& publisher) {
    const std::lock_guard lock(publisher.mutex_);
    rd_kafka_test_fatal_error(publisher.client_, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                              "of a test");
  }
};

}  // namespace parley::stream

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using parley::stream::KafkaPublisher;
using parley::stream::KafkaSettings;
using parley::stream::make_topic;

TEST(KafkaTopic, IsMadeOnceAndKeepsItsNumberOfLanes) {
  const KafkaSettings settings{.brokers = backend("kafka"), .topic = unique_name("topic")};
  ASSERT_TRUE(make_topic(settings, {.lanes = 3}));
  ASSERT_TRUE(make_topic(settings, {.lanes = 3}));
  const auto refused = make_topic(settings, {.lanes = 4});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
}

TEST(KafkaTopic, CannotHaveMoreReplicasThanThereAreBrokers) {
  const KafkaSettings settings{.brokers = backend("kafka"), .topic = unique_name("topic")};
  EXPECT_FALSE(make_topic(settings, {.lanes = 1, .replicas = 9}));
}

TEST(KafkaTopic, SaysWhereNoBrokerAnswers) {
  const auto refused = make_topic({.brokers = "127.0.0.1:1", .topic = "t"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST(KafkaPublisher, IsBusyBeyondItsBoundAndAnswersAllAtItsEnd) {
  std::atomic<int> failed = 0;
  {
    auto publisher =
        KafkaPublisher::open(
            {.brokers = "127.0.0.1:1", .topic = "t", .waiting_records = 100, .end_patience = 10ms})
            .value();
    const auto done = [&](const Result<StreamPlace>& place) { failed += place ? 0 : 1; };
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(publisher->publish("k", "v", done));
    EXPECT_EQ(publisher->publish("k", "v", done).error().code, Code::busy);
    EXPECT_EQ(publisher->waiting(), 100u);
    EXPECT_EQ(failed, 0);
  }
  EXPECT_EQ(failed, 100);
}

TEST(KafkaPublisher, IsMadeAnewAfterKafkaDeclaredItBroken) {
  const KafkaSettings settings{.brokers = backend("kafka"), .topic = unique_name("topic")};
  ASSERT_TRUE(make_topic(settings, {.lanes = 1}));
  auto publisher = KafkaPublisher::open(settings).value();
  std::atomic<int> taken = 0;
  std::atomic<int> answered = 0;
  std::atomic<int> added = 0;
  const auto publish = [&] {
    const auto result = publisher->publish("k", "v", [&](const Result<StreamPlace>& place) {
      added += place ? 1 : 0;
      ++answered;
    });
    taken += result ? 1 : 0;
    if (!result) EXPECT_EQ(result.error().code, Code::unavailable) << result.error().message;
  };
  const auto add_one_more = [&] {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (const int before = added; added == before && std::chrono::steady_clock::now() < end;) {
      publish();
      std::this_thread::sleep_for(10ms);  // the flow's own pace
    }
  };
  for (int round = 1; round <= 3; ++round) {
    add_one_more();
    for (int i = 0; i < 100; ++i) publish();  // some of which it has not answered yet
    parley::stream::BreakKafkaPublisher::by_fatal_error(*publisher);
    publish();
    const int before = added;
    add_one_more();
    EXPECT_GT(added, before) << "round " << round;
  }
  publisher.reset();
  EXPECT_EQ(answered, taken) << "each that was taken is answered, once";
}

TEST(KafkaPublisher, RefusesWhatIsTooLarge) {
  const KafkaSettings settings{.brokers = backend("kafka"), .topic = unique_name("topic")};
  ASSERT_TRUE(make_topic(settings, {.lanes = 1}));
  auto publisher = KafkaPublisher::open(settings).value();
  EXPECT_EQ(publisher->publish("k", std::string(2'000'000, 'x'), [](const Result<StreamPlace>&) {})
                .error()
                .code,
            Code::too_large);
}

}  // namespace
}  // namespace parley::test
