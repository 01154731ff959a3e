#pragma once
#include <map>
#include <mutex>

#include "adapters/stream/kafka/configuration.h"
#include "ports/stream.h"

namespace parley::stream {

/// A member of a consumer group with cooperative rebalancing: only lanes that change hands pause.
class KafkaConsumer final : public StreamConsumer {
 public:
  /// Succeeds also when no broker answers yet. The topic is there already (make_topic).
  static Result<std::unique_ptr<KafkaConsumer>> open(const KafkaSettings& settings,
                                                     StreamLanes lanes);
  ~KafkaConsumer() override;

  Result<std::vector<StreamRecord>> read(std::size_t limit,
                                         std::chrono::milliseconds patience) override;
  void passed(StreamPlace place) override;
  Result<void> commit() override;
  Result<void> seek(StreamPlace place) override;
  std::vector<LaneLag> lag() const override;

  /// Whether it can be asked: as `reach` in configuration.h. Blocks; any thread.
  Result<void> reach() const { return stream::reach(client_, settings_); }

 private:
  struct Own {
    std::int64_t begin = 0;      // everything before it is passed; negative: from the first record
    std::int64_t told = 0;       // what Kafka was last told of it
    std::int64_t committed = 0;  // what it has answered to have
  };

  KafkaConsumer(const KafkaSettings& settings, StreamLanes lanes)
      : settings_(settings), listener_(std::move(lanes)) {}
  static void rebalance(rd_kafka_t* client, rd_kafka_resp_err_t event,
                        rd_kafka_topic_partition_list_t* partitions, void* self);
  static void committed(rd_kafka_t* client, rd_kafka_resp_err_t error,
                        rd_kafka_topic_partition_list_t* partitions, void* self);
  void gained(rd_kafka_topic_partition_list_t* partitions);
  void revoked(rd_kafka_topic_partition_list_t* partitions);
  /// Of these lanes; `wait`: returns when Kafka has it.
  Result<void> commit(const std::vector<Lane>& lanes, bool wait);
  std::vector<Lane> own_lanes() const;

  const KafkaSettings settings_;
  const StreamLanes listener_;
  rd_kafka_t* client_ = nullptr;
  mutable std::mutex mutex_;
  std::map<Lane, Own> own_;
  std::chrono::steady_clock::time_point commit_due_;
};

}  // namespace parley::stream
