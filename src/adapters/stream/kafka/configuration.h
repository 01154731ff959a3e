#pragma once
#include <librdkafka/rdkafka.h>
#include <memory>

#include "adapters/stream/kafka/settings.h"

namespace parley::stream {

/// A configuration of librdkafka, until a client takes it. A name or value that it does not know is
/// a broken invariant: none comes from outside but the addresses.
class Configuration {
 public:
  /// What all clients have in common; the library's log goes to ours.
  explicit Configuration(const KafkaSettings& settings);
  Configuration(const Configuration&) = delete;

  void set(const char* name, const std::string& value);
  rd_kafka_conf_t* get() { return conf_.get(); }
  /// `unavailable`, with what the library says.
  Result<rd_kafka_t*> make(rd_kafka_type_t type);

 private:
  struct Destroy {
    void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  };
  std::unique_ptr<rd_kafka_conf_t, Destroy> conf_;
};

struct DestroyPartitions {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyPartitions>;

/// Whether a broker answers, within 4 s, and the client is not broken for good. Blocks.
Result<void> reach(rd_kafka_t* client, const KafkaSettings& settings);

Error kafka_error(rd_kafka_resp_err_t error, std::string_view what);

}  // namespace parley::stream
