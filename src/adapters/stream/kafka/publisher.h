#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/stream/kafka/configuration.h"
#include "ports/stream.h"

namespace parley::stream {

/// An idempotent producer that waits for every in-sync replica (`acks=all`) and never gives a
/// record up by itself: so there is no gap among what follows it.
class KafkaPublisher final : public StreamPublisher {
 public:
  /// Succeeds also when no broker answers yet.
  static Result<std::unique_ptr<KafkaPublisher>> open(const KafkaSettings& settings);
  ~KafkaPublisher() override;

  Result<void> publish(std::string_view key, std::string_view value, Done done) override;
  std::size_t waiting() const override;

  /// Whether it can be asked: as `reach` in configuration.h. Blocks; any thread.
  Result<void> reach() const { return stream::reach(client_, settings_); }

 private:
  explicit KafkaPublisher(const KafkaSettings& settings) : settings_(settings) {}
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* self);
  void answered();

  const KafkaSettings settings_;
  rd_kafka_t* client_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::size_t waiting_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // makes the callbacks
};

}  // namespace parley::stream
