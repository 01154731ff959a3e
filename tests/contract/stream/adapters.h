#pragma once
#include "adapters/stream/kafka/settings.h"
#include "adapters/stream/memory/stream.h"
#include "tests/contract/stream/promises.h"

namespace parley::test {

class MemoryUnderTest : public StreamUnderTest {
 public:
  std::unique_ptr<StreamPublisher> publisher() override;
  std::unique_ptr<StreamConsumer> consumer(std::string group, StreamLanes lanes = {}) override;

 private:
  parley::stream::MemoryStream stream_{kLanes};
};

/// A topic of its own on a broker that tests share.
class KafkaUnderTest final : public StreamUnderTest {
 public:
  KafkaUnderTest();
  std::unique_ptr<StreamPublisher> publisher() override;
  std::unique_ptr<StreamConsumer> consumer(std::string group, StreamLanes lanes = {}) override;

 private:
  parley::stream::KafkaSettings settings_;
};

}  // namespace parley::test
