#include "adapters/stream/kafka/consumer.h"

#include <algorithm>

#include "base/log.h"

namespace parley::stream {
namespace {

constexpr std::chrono::seconds kCommitEvery{5};
constexpr int kAnswerMs = 5'000;

std::vector<Lane> lanes_in(const rd_kafka_topic_partition_list_t& partitions) {
  std::vector<Lane> out;
  for (int i = 0; i < partitions.cnt; ++i)
    out.emplace_back(static_cast<std::uint32_t>(partitions.elems[i].partition));
  return out;
}

}  // namespace

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaSettings& settings,
                                                           StreamLanes lanes) {
  std::unique_ptr<KafkaConsumer> consumer(new KafkaConsumer(settings, std::move(lanes)));
  Configuration conf(settings);
  conf.set("group.id", settings.group);
  conf.set("partition.assignment.strategy", "cooperative-sticky");
  conf.set("enable.auto.commit", "false");
  conf.set("enable.auto.offset.store", "false");
  conf.set("auto.offset.reset", "earliest");
  conf.set("session.timeout.ms", std::to_string(settings.session_timeout.count()));
  conf.set("heartbeat.interval.ms", std::to_string(settings.session_timeout.count() / 4));
  conf.set("max.poll.interval.ms", "60000");
  conf.set("fetch.wait.max.ms", "100");
  rd_kafka_conf_set_opaque(conf.get(), consumer.get());
  rd_kafka_conf_set_rebalance_cb(conf.get(), &KafkaConsumer::rebalance);
  rd_kafka_conf_set_offset_commit_cb(conf.get(), &KafkaConsumer::committed);
  PARLEY_TRY(client, conf.make(RD_KAFKA_CONSUMER));
  consumer->client_ = client;
  rd_kafka_poll_set_consumer(client);
  const Partitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), settings.topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto error = rd_kafka_subscribe(client, topics.get()))
    return std::unexpected(kafka_error(error, "subscribing to " + settings.topic));
  return consumer;
}

KafkaConsumer::~KafkaConsumer() {
  if (!client_) return;
  rd_kafka_consumer_close(client_);  // calls `rebalance` for what it still has
  rd_kafka_destroy(client_);
}

void KafkaConsumer::rebalance(rd_kafka_t* client, rd_kafka_resp_err_t event,
                              rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& consumer = *static_cast<KafkaConsumer*>(self);
  // librdkafka 2.0 gives all lanes up when a commit is refused because the group is changing (its
  // issue 4059, mended in 2.10): none by the clock until the group has come to rest.
  consumer.commit_due_ = std::chrono::steady_clock::now() + consumer.settings_.session_timeout;
  rd_kafka_error_t* failed = nullptr;
  if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    consumer.gained(partitions);
    failed = rd_kafka_incremental_assign(client, partitions);
    if (partitions->cnt > 0) consumer.listener_.gained(lanes_in(*partitions));
  } else {
    if (partitions->cnt > 0) consumer.revoked(partitions);
    failed = rd_kafka_incremental_unassign(client, partitions);
  }
  if (failed) {
    log::error("kafka", "event=rebalance_failed reason={}", rd_kafka_error_string(failed));
    rd_kafka_error_destroy(failed);
  }
}

void KafkaConsumer::gained(rd_kafka_topic_partition_list_t* partitions) {
  // Where each begins, for its lag; the library asks by itself where to read if this fails.
  if (const auto error = rd_kafka_committed(client_, partitions, kAnswerMs))
    log::warn("kafka", "event=positions_unknown reason={}", rd_kafka_err2str(error));
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < partitions->cnt; ++i) {
    const auto& partition = partitions->elems[i];
    const auto begin = std::max<std::int64_t>(partition.offset, -1);
    own_[Lane(static_cast<std::uint32_t>(partition.partition))] = {begin, begin, begin};
  }
}

void KafkaConsumer::revoked(rd_kafka_topic_partition_list_t* partitions) {
  const auto lanes = lanes_in(*partitions);
  const bool too_late = rd_kafka_assignment_lost(client_) != 0;
  listener_.revoked(lanes, too_late);
  if (!too_late)
    if (auto committed = commit(lanes, true); !committed)
      log::warn("kafka", "event=read_again reason={}", committed.error().message);
  const std::lock_guard lock(mutex_);
  for (auto lane : lanes) own_.erase(lane);
}

std::vector<Lane> KafkaConsumer::own_lanes() const {
  const std::lock_guard lock(mutex_);
  std::vector<Lane> out;
  for (const auto& [lane, own] : own_) out.push_back(lane);
  return out;
}

Result<void> KafkaConsumer::commit(const std::vector<Lane>& lanes, bool wait) {
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(lanes.size())));
  {
    const std::lock_guard lock(mutex_);
    for (auto lane : lanes) {
      const auto own = own_.find(lane);
      if (own == own_.end() || own->second.begin < 0) continue;
      if (own->second.begin == (wait ? own->second.committed : own->second.told)) continue;
      own->second.told = own->second.begin;
      rd_kafka_topic_partition_list_add(list.get(), settings_.topic.c_str(),
                                        static_cast<std::int32_t>(lane.value))
          ->offset = own->second.begin;
    }
  }
  if (list->cnt == 0) return {};
  const auto error = rd_kafka_commit(client_, list.get(), wait ? 0 : 1);
  if (error || wait) committed(client_, error, list.get(), this);
  if (error) return std::unexpected(kafka_error(error, "committing positions"));
  for (int i = 0; wait && i < list->cnt; ++i)
    if (list->elems[i].err)
      return std::unexpected(kafka_error(list->elems[i].err, "committing positions"));
  return {};
}

void KafkaConsumer::committed(rd_kafka_t*, rd_kafka_resp_err_t error,
                              rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& consumer = *static_cast<KafkaConsumer*>(self);
  const std::lock_guard lock(consumer.mutex_);
  for (int i = 0; partitions && i < partitions->cnt; ++i) {
    const auto& partition = partitions->elems[i];
    const auto own = consumer.own_.find(Lane(static_cast<std::uint32_t>(partition.partition)));
    if (own == consumer.own_.end()) continue;
    if (error || partition.err)
      own->second.told = own->second.committed;  // so it is told again
    else
      own->second.committed = partition.offset;
  }
}

Result<void> KafkaConsumer::commit() { return commit(own_lanes(), true); }

Result<std::vector<StreamRecord>> KafkaConsumer::read(std::size_t limit,
                                                      std::chrono::milliseconds patience) {
  if (const auto now = std::chrono::steady_clock::now(); now >= commit_due_) {
    commit_due_ = now + kCommitEvery;
    if (auto committed = commit(own_lanes(), false); !committed)
      log::warn("kafka", "event=not_committed reason={}", committed.error().message);
  }
  std::vector<StreamRecord> out;
  for (auto wait = static_cast<int>(patience.count()); out.size() < limit; wait = 0) {
    auto* message = rd_kafka_consumer_poll(client_, wait);
    if (!message) break;
    const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> owned(
        message, rd_kafka_message_destroy);
    if (message->err) {
      // What was read before it is not lost; the error comes again if it lasts.
      if (!out.empty()) break;
      return std::unexpected(kafka_error(message->err, "reading " + settings_.topic));
    }
    out.push_back({{Lane(static_cast<std::uint32_t>(message->partition)),
                    static_cast<std::uint64_t>(message->offset)},
                   std::string(static_cast<const char*>(message->key), message->key_len),
                   std::string(static_cast<const char*>(message->payload), message->len)});
  }
  return out;
}

void KafkaConsumer::passed(StreamPlace place) {
  const std::lock_guard lock(mutex_);
  const auto own = own_.find(place.lane);
  if (own != own_.end())
    own->second.begin = std::max(own->second.begin, static_cast<std::int64_t>(place.offset) + 1);
}

Result<void> KafkaConsumer::seek(StreamPlace place) {
  {
    const std::lock_guard lock(mutex_);
    const auto own = own_.find(place.lane);
    if (own == own_.end()) return fail(Code::not_found, "this consumer does not have the lane");
    own->second.begin = static_cast<std::int64_t>(place.offset);
  }
  const Partitions list(rd_kafka_topic_partition_list_new(1));
  auto* partition = rd_kafka_topic_partition_list_add(list.get(), settings_.topic.c_str(),
                                                      static_cast<std::int32_t>(place.lane.value));
  partition->offset = static_cast<std::int64_t>(place.offset);
  if (auto* failed = rd_kafka_seek_partitions(client_, list.get(), kAnswerMs)) {
    const auto error = kafka_error(rd_kafka_error_code(failed), "seeking");
    rd_kafka_error_destroy(failed);
    return std::unexpected(error);
  }
  if (partition->err) return std::unexpected(kafka_error(partition->err, "seeking"));
  return {};
}

std::vector<LaneLag> KafkaConsumer::lag() const {
  std::vector<LaneLag> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [lane, own] : own_) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    // As the last fetch brought it; nothing is known before the first.
    if (rd_kafka_get_watermark_offsets(client_, settings_.topic.c_str(),
                                       static_cast<std::int32_t>(lane.value), &low, &high) ||
        high < 0)
      continue;
    out.push_back({lane, static_cast<std::uint64_t>(std::max<std::int64_t>(
                             high - std::max(own.begin, std::max<std::int64_t>(low, 0)), 0))});
  }
  return out;
}

}  // namespace parley::stream
