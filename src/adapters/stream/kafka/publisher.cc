#include "adapters/stream/kafka/publisher.h"

#include "base/log.h"
#include "base/thread.h"

namespace parley::stream {

Result<std::unique_ptr<KafkaPublisher>> KafkaPublisher::open(const KafkaSettings& settings) {
  std::unique_ptr<KafkaPublisher> publisher(new KafkaPublisher(settings));
  PARLEY_TRY(client, publisher->make_client());
  publisher->client_ = client;
  publisher->thread_ = std::thread([self = publisher.get()] { self->run(); });
  return publisher;
}

Result<rd_kafka_t*> KafkaPublisher::make_client() {
  Configuration conf(settings_);
  conf.set("enable.idempotence", "true");
  conf.set("acks", "all");
  conf.set("message.timeout.ms", "0");  // for as long as it takes
  conf.set("queue.buffering.max.messages", std::to_string(settings_.waiting_records));
  conf.set("linger.ms", "5");
  conf.set("partitioner", "murmur2");  // as Java's clients choose: tools find a key's partition
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &KafkaPublisher::delivered);
  return conf.make(RD_KAFKA_PRODUCER);
}

void KafkaPublisher::run() {
  name_thread("kafka-publish");
  while (!stopping_) {
    rd_kafka_poll(client_, 100);
    replace_broken();
  }
}

void KafkaPublisher::replace_broken() {
  char reason[256];
  if (!rd_kafka_fatal_error(client_, reason, sizeof reason)) return;
  rd_kafka_t* broken = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ != 0 || ending_) return;  // the next polls answer each
    const auto made = make_client();
    if (!made) return log::warn("kafka", "event=publisher_broken {}", made.error().message);
    broken = std::exchange(client_, *made);
  }
  log::warn("kafka", "event=publisher_made_anew reason={}", reason);
  rd_kafka_destroy(broken);
}

KafkaPublisher::~KafkaPublisher() {
  if (!client_) return;
  {
    std::unique_lock lock(mutex_);
    ending_ = true;
    const auto none = [this] { return waiting_ == 0; };
    if (!empty_.wait_for(lock, settings_.end_patience, none)) {
      log::warn("kafka", "event=records_given_up count={}", waiting_);
      lock.unlock();
      rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      lock.lock();
      empty_.wait(lock, none);  // the purge answers each
    }
  }
  stopping_ = true;
  thread_.join();
  rd_kafka_destroy(client_);
}

std::size_t KafkaPublisher::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void KafkaPublisher::answered() {
  const std::lock_guard lock(mutex_);
  if (--waiting_ == 0) empty_.notify_all();
}

Result<void> KafkaPublisher::publish(std::string_view key, std::string_view value, Done done) {
  auto taken = std::make_unique<Done>(std::move(done));
  rd_kafka_t* client = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ++waiting_;  // from here on it is not replaced
    client = client_;
  }
  const auto error = rd_kafka_producev(
      client, RD_KAFKA_V_TOPIC(settings_.topic.c_str()), RD_KAFKA_V_KEY(key.data(), key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(taken.get()), RD_KAFKA_V_END);
  if (error) {
    answered();
    return std::unexpected(kafka_error(error, "publishing to " + settings_.topic));
  }
  static_cast<void>(taken.release());  // `delivered` has it now
  return {};
}

void KafkaPublisher::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  const std::unique_ptr<Done> done(static_cast<Done*>(message->_private));
  if (auto* took = static_cast<KafkaPublisher*>(self)->settings_.took; took && !message->err)
    took->observe(std::chrono::microseconds(rd_kafka_message_latency(message)));
  if (message->err)
    (*done)(std::unexpected(kafka_error(message->err, "publishing")));
  else
    (*done)(StreamPlace{Lane(static_cast<std::uint32_t>(message->partition)),
                        static_cast<std::uint64_t>(message->offset)});
  static_cast<KafkaPublisher*>(self)->answered();
}

}  // namespace parley::stream
