// A broker of the test's own is killed and started again while records flow: every one that was
// taken is answered, and is there once, in order.
#include <atomic>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <thread>

#include "adapters/stream/kafka/consumer.h"
#include "adapters/stream/kafka/publisher.h"
#include "tests/support/backends/own_backend.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;

TEST(KafkaRestart, NothingIsLostDoubledOrReordered) {
  OwnBackend server("kafka");
  const parley::stream::KafkaSettings settings{.brokers = server.address(),
                                               .topic = "feed",
                                               .waiting_records = 500,
                                               .end_patience = 60s,
                                               .group = "readers"};
  ASSERT_TRUE(parley::stream::make_topic(settings, {.lanes = 4}));
  auto publisher = parley::stream::KafkaPublisher::open(settings).value();

  std::atomic<bool> stop = false;
  std::atomic<int> acknowledged = 0;
  std::atomic<int> read_count = 0;
  std::map<std::string, int> last_answered;  // of the publisher's thread
  int published = 0;
  std::thread flow([&] {
    while (!stop) {
      const auto key = fmt::format("k{}", published % 10);
      const auto taken = publisher->publish(
          key, fmt::format("{}", published),
          [&, key, number = published](Result<StreamPlace> place) {
            ASSERT_TRUE(place) << place.error().message;
            EXPECT_TRUE(last_answered[key] < number || number < 10) << "answered out of order";
            last_answered[key] = number;
            ++acknowledged;
          });
      if (taken)
        ++published;
      else
        EXPECT_EQ(taken.error().code, Code::busy) << taken.error().message;
      std::this_thread::sleep_for(taken ? 1ms : 10ms);  // the flow's own pace
    }
  });
  std::map<int, int> times;
  std::map<Lane, std::uint64_t> next;       // of each lane, to be read
  std::map<Lane, std::uint64_t> committed;  // everything before it is
  std::set<std::pair<Lane, std::uint64_t>> places;
  int skipped = 0;
  int read_although_committed = 0;
  std::atomic<int> wanted = -1;
  std::thread reader([&] {
    auto consumer = parley::stream::KafkaConsumer::open(settings, {}).value();
    const auto end = std::chrono::steady_clock::now() + 150s;
    while (wanted < 0 || static_cast<int>(times.size()) < wanted) {
      if (std::chrono::steady_clock::now() > end) break;
      const auto records = consumer->read(100, 100ms);
      if (!records) continue;
      for (const auto& record : *records) {
        const auto [lane, offset] = record.place;
        skipped += offset > next[lane] ? 1 : 0;
        read_although_committed += offset < committed[lane] ? 1 : 0;
        next[lane] = offset + 1;
        ++times[std::stoi(record.value)];
        places.emplace(lane, offset);
        consumer->passed(record.place);
      }
      if (!records->empty() && consumer->commit()) committed = next;
      read_count = static_cast<int>(times.size());
    }
  });

  const auto await_more = [](const std::atomic<int>& counter) {
    const int before = counter;
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (counter < before + 200 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(5ms);
    EXPECT_GE(counter, before + 200);
  };
  await_more(acknowledged);
  await_more(read_count);
  for (int round = 0; round < 2; ++round) {
    server.kill();
    server.start();
    await_more(acknowledged);
    await_more(read_count);
  }
  stop = true;
  flow.join();
  publisher.reset();
  EXPECT_EQ(acknowledged, published);
  wanted = published;
  reader.join();
  EXPECT_EQ(static_cast<int>(times.size()), published);
  EXPECT_EQ(skipped, 0);
  EXPECT_EQ(read_although_committed, 0);
  // Each is there once: as many places as values. Their order is that of the answers.
  EXPECT_EQ(static_cast<int>(places.size()), published);
}

}  // namespace
}  // namespace parley::test
