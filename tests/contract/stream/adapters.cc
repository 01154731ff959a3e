#include "tests/contract/stream/adapters.h"

#include <stdexcept>

#include "adapters/stream/kafka/consumer.h"
#include "adapters/stream/kafka/publisher.h"
#include "tests/support/backends/backends.h"

namespace parley::test {
namespace {

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

std::unique_ptr<StreamPublisher> MemoryUnderTest::publisher() {
  return std::make_unique<parley::stream::MemoryPublisher>(stream_);
}

std::unique_ptr<StreamConsumer> MemoryUnderTest::consumer(std::string group, StreamLanes lanes) {
  return std::make_unique<parley::stream::MemoryConsumer>(stream_, std::move(group),
                                                          std::move(lanes));
}

KafkaUnderTest::KafkaUnderTest() {
  settings_.brokers = backend("kafka");
  settings_.topic = unique_name("stream");
  const auto made = parley::stream::make_topic(settings_, {.lanes = kLanes});
  if (!made) throw std::runtime_error(made.error().message);
}

std::unique_ptr<StreamPublisher> KafkaUnderTest::publisher() {
  return value_of(parley::stream::KafkaPublisher::open(settings_));
}

std::unique_ptr<StreamConsumer> KafkaUnderTest::consumer(std::string group, StreamLanes lanes) {
  auto settings = settings_;
  settings.group = settings.topic + "_" + group;
  return value_of(parley::stream::KafkaConsumer::open(settings, std::move(lanes)));
}

}  // namespace parley::test
