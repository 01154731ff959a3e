#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/stream/kafka/configuration.h"
#include "ports/stream.h"

namespace parley::stream {

/// An idempotent producer that waits for every in-sync replica (`acks=all`) and never gives a
/// record up by itself: so there is no gap among what follows it. One that Kafka has declared
/// broken (a fatal error in librdkafka's sense: its sequence numbers and the broker's do not agree)
/// fails all that it had taken, and is then made anew; meanwhile `publish` is `unavailable`.
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
  friend struct BreakKafkaPublisher;  // a test's

  explicit KafkaPublisher(const KafkaSettings& settings) : settings_(settings) {}
  Result<rd_kafka_t*> make_client();
  void run();
  void replace_broken();
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* self);
  void answered();

  const KafkaSettings settings_;
  mutable std::mutex mutex_;
  rd_kafka_t* client_ = nullptr;  // replaced by `thread_` alone, while none of its records waits
  std::condition_variable empty_;
  std::size_t waiting_ = 0;
  bool ending_ = false;  // it is not replaced any more
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // makes the callbacks
};

}  // namespace parley::stream
