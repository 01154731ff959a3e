#include "adapters/stream/kafka/configuration.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"

namespace parley::stream {
namespace {

constexpr int kReachMs = 4'000;

// Connections come and go by themselves, which FAIL and ERROR say; what fails for good comes back
// from the call.
void library_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
  const std::string_view about(facility);
  if (about == "FAIL" || about == "ERROR")
    log::info("kafka", "library: {} {}", facility, text);
  else if (level <= 3)
    log::warn("kafka", "library: {} {}", facility, text);
  else
    log::debug("kafka", "library: {} {}", facility, text);
}

}  // namespace

Configuration::Configuration(const KafkaSettings& settings) : conf_(rd_kafka_conf_new()) {
  set("bootstrap.servers", settings.brokers);
  set("client.id", settings.client);
  set("reconnect.backoff.ms", "50");
  set("reconnect.backoff.max.ms", "1000");
  rd_kafka_conf_set_log_cb(conf_.get(), library_log);
}

void Configuration::set(const char* name, const std::string& value) {
  char reason[256];
  const auto result = rd_kafka_conf_set(conf_.get(), name, value.c_str(), reason, sizeof reason);
  PARLEY_CHECK(result == RD_KAFKA_CONF_OK, reason);
}

Result<rd_kafka_t*> Configuration::make(rd_kafka_type_t type) {
  char reason[256];
  auto* client = rd_kafka_new(type, conf_.get(), reason, sizeof reason);
  if (!client)
    return fail(Code::unavailable, fmt::format("cannot make a client of Kafka: {}", reason));
  static_cast<void>(conf_.release());  // the client has it now
  return client;
}

Result<void> reach(rd_kafka_t* client, const KafkaSettings& settings) {
  char reason[256];
  if (rd_kafka_fatal_error(client, reason, sizeof reason))
    return fail(Code::internal, fmt::format("this process's client is broken ({}): start the "
                                            "process again",
                                            reason));
  const rd_kafka_metadata_t* found = nullptr;
  if (const auto error = rd_kafka_metadata(client, 0, nullptr, &found, kReachMs))
    return fail(Code::unavailable, fmt::format("Kafka at {} does not answer: {}", settings.brokers,
                                               rd_kafka_err2str(error)));
  rd_kafka_metadata_destroy(found);
  return {};
}

Error kafka_error(rd_kafka_resp_err_t error, std::string_view what) {
  auto code = Code::unavailable;
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) code = Code::busy;
  if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) code = Code::too_large;
  return {code, fmt::format("Kafka, {}: {}", what, rd_kafka_err2str(error))};
}

}  // namespace parley::stream
