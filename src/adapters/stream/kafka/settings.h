#pragma once
#include <chrono>
#include <string>

#include "base/metrics.h"
#include "base/result.h"

namespace parley::stream {

struct KafkaSettings {
  std::string brokers = {};  // host:port,host:port,...
  std::string topic = {};
  std::string client = "parley";  // this process, in Kafka's own logs and figures
  // Of a publisher:
  std::size_t waiting_records = 10'000;          // beyond: `busy`
  std::chrono::milliseconds end_patience{5000};  // how long the destructor waits for what was taken
  Histogram* took = nullptr;  // until a record is acknowledged, where that is to be known
  // Of a consumer:
  std::string group = {};
  std::chrono::milliseconds session_timeout{6000};  // after which a dead one's lanes go to others
};

struct TopicSettings {
  std::uint32_t lanes = 64;
  std::uint32_t replicas = 1;  // with 3, a record is acknowledged by two
  std::chrono::hours retention{24 * 7};
};

/// Makes the topic if it is not there, and waits until it can be used. `conflict`: it is there with
/// another number of lanes, by which keys would change theirs. `forbidden`: it cannot be made.
/// `unavailable`: no broker answers, or too few are there yet.
Result<void> make_topic(const KafkaSettings& settings, const TopicSettings& topic);

/// Whether the topic is there with that number of lanes, and each can be written to: for who looks
/// and changes nothing. `not_found`; `conflict`; `unavailable`, with how many lanes have no leader.
Result<void> check_topic(const KafkaSettings& settings, const TopicSettings& topic);

/// Whether the topic, which is there, holds no record. `unavailable`.
Result<bool> is_empty(const KafkaSettings& settings, const TopicSettings& topic);

}  // namespace parley::stream
