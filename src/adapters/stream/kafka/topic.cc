#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "adapters/stream/kafka/configuration.h"

namespace parley::stream {
namespace {

constexpr int kPatienceMs = 10'000;

template <class T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* what) const { destroy(what); }
};
template <class T, void (*destroy)(T*)>
using Owned = std::unique_ptr<T, Destroy<T, destroy>>;

/// How many lanes the topic has; 0: it is not there.
Result<std::uint32_t> lanes_of(rd_kafka_t* client, const KafkaSettings& settings) {
  const Owned<rd_kafka_topic_t, rd_kafka_topic_destroy> topic(
      rd_kafka_topic_new(client, settings.topic.c_str(), nullptr));
  const rd_kafka_metadata_t* found = nullptr;
  const auto error = rd_kafka_metadata(client, 0, topic.get(), &found, kPatienceMs);
  if (error)
    return std::unexpected(kafka_error(
        error, fmt::format("at {}, looking at the topic {}", settings.brokers, settings.topic)));
  const auto& about = found->topics[0];
  const auto lanes = about.err ? 0 : static_cast<std::uint32_t>(about.partition_cnt);
  const auto problem = about.err;
  rd_kafka_metadata_destroy(found);
  if (problem && problem != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
      problem != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    return std::unexpected(kafka_error(problem, "looking at the topic " + settings.topic));
  return lanes;
}

Result<void> create(rd_kafka_t* client, const KafkaSettings& settings, const TopicSettings& topic) {
  char reason[256];
  const Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> wanted(
      rd_kafka_NewTopic_new(settings.topic.c_str(), static_cast<int>(topic.lanes),
                            static_cast<int>(topic.replicas), reason, sizeof reason));
  if (!wanted)
    return fail(Code::invalid_argument, fmt::format("topic {}: {}", settings.topic, reason));
  const auto retention = std::to_string(std::chrono::milliseconds(topic.retention).count());
  rd_kafka_NewTopic_set_config(wanted.get(), "retention.ms", retention.c_str());
  rd_kafka_NewTopic_set_config(wanted.get(), "min.insync.replicas",
                               topic.replicas >= 3 ? "2" : "1");
  const Owned<rd_kafka_queue_t, rd_kafka_queue_destroy> answers(rd_kafka_queue_new(client));
  const Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> options(
      rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kPatienceMs, reason, sizeof reason);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), kPatienceMs, reason, sizeof reason);
  auto* list = wanted.get();
  rd_kafka_CreateTopics(client, &list, 1, options.get(), answers.get());
  const Owned<rd_kafka_event_t, rd_kafka_event_destroy> answer(
      rd_kafka_queue_poll(answers.get(), 2 * kPatienceMs));
  auto error = answer ? rd_kafka_event_error(answer.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (!error) {
    std::size_t count = 0;
    const auto* topics = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(answer.get()), &count);
    if (count == 1) error = rd_kafka_topic_result_error(topics[0]);
  }
  // Another process that starts makes it too.
  if (error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || error == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
      error == RD_KAFKA_RESP_ERR_INVALID_CONFIG ||
      error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    return fail(Code::forbidden,
                fmt::format("Kafka at {} refuses to make the topic {}: {}", settings.brokers,
                            settings.topic, rd_kafka_err2str(error)));
  if (error && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return std::unexpected(kafka_error(
        error, fmt::format("at {}, making the topic {}", settings.brokers, settings.topic)));
  return {};
}

}  // namespace

Result<void> check_topic(const KafkaSettings& settings, const TopicSettings& wanted) {
  PARLEY_TRY(made, Configuration(settings).make(RD_KAFKA_PRODUCER));
  const Owned<rd_kafka_t, rd_kafka_destroy> client(made);
  PARLEY_TRY_VOID(reach(client.get(), settings));
  const rd_kafka_metadata_t* answer = nullptr;  // all topics: to ask for one may make it
  if (const auto error = rd_kafka_metadata(client.get(), 1, nullptr, &answer, kPatienceMs))
    return std::unexpected(kafka_error(error, "at " + settings.brokers));
  const Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> found(answer);
  const std::span topics(found->topics, static_cast<std::size_t>(found->topic_cnt));
  const auto at =
      std::ranges::find(topics, settings.topic, [](const auto& topic) { return topic.topic; });
  if (at == topics.end())
    return fail(Code::not_found, fmt::format("there is no topic {}", settings.topic));
  const std::span lanes(at->partitions, static_cast<std::size_t>(at->partition_cnt));
  if (lanes.size() != wanted.lanes)
    return fail(Code::conflict, fmt::format("the topic {} has {} partitions, kafka.lanes is {}",
                                            settings.topic, lanes.size(), wanted.lanes));
  const auto without_leader =
      std::ranges::count_if(lanes, [](const auto& lane) { return lane.err || lane.leader < 0; });
  if (without_leader)
    return fail(Code::unavailable, fmt::format("{} of {} partitions of the topic {} have no leader",
                                               without_leader, lanes.size(), settings.topic));
  return {};
}

Result<void> make_topic(const KafkaSettings& settings, const TopicSettings& topic) {
  PARLEY_TRY(made, Configuration(settings).make(RD_KAFKA_PRODUCER));
  const Owned<rd_kafka_t, rd_kafka_destroy> client(made);
  PARLEY_TRY_VOID(reach(client.get(), settings));
  // Made first and looked at then: a broker may make a topic, with a number of its own, because
  // somebody looks at it.
  PARLEY_TRY_VOID(create(client.get(), settings, topic));
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
       ;) {
    PARLEY_TRY(lanes, lanes_of(client.get(), settings));
    if (lanes == topic.lanes) return {};
    if (lanes != 0)
      return fail(Code::conflict,
                  fmt::format("the topic {} has {} partitions and is wanted with {}: keys would "
                              "change theirs; give another topic, or set that number",
                              settings.topic, lanes, topic.lanes));
    if (std::chrono::steady_clock::now() > end)
      return std::unexpected(
          kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, "making the topic " + settings.topic));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until all brokers know of it
  }
}

Result<bool> is_empty(const KafkaSettings& settings, const TopicSettings& topic) {
  PARLEY_TRY(made, Configuration(settings).make(RD_KAFKA_PRODUCER));
  const Owned<rd_kafka_t, rd_kafka_destroy> client(made);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  for (std::uint32_t lane = 0; lane < topic.lanes;) {
    std::int64_t first = 0, end = 0;
    const auto error = rd_kafka_query_watermark_offsets(client.get(), settings.topic.c_str(),
                                                        static_cast<std::int32_t>(lane), &first,
                                                        &end, kPatienceMs);
    if (error && std::chrono::steady_clock::now() > deadline)
      return std::unexpected(kafka_error(
          error, fmt::format("at {}, looking at the topic {}", settings.brokers, settings.topic)));
    if (error)  // a new topic's leaders are not known everywhere at once
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    else if (end > first)
      return false;
    else
      ++lane;
  }
  return true;
}

}  // namespace parley::stream
