#include "services/gateway/store_reads.h"

#include <boost/asio.hpp>

#include "base/log.h"
#include "services/gateway/one_shot.h"
#include "services/gateway/to_proto.h"
#include "wire/server_writer.h"

namespace parley::gateway {
namespace asio = boost::asio;
namespace {
constexpr std::size_t kBatchBytes = 32 * 1024;  // entries of a backlog that go as one message
}

class StoreReads::Sink final : public BacklogSink {
 public:
  Sink(StoreReads& reads, net::ConnectionId id, Queue& queue)
      : reads_(reads), id_(id), queue_(queue) {}

  Awaitable<bool> conversation(ConversationView view, std::optional<MissedStretch> gap) override {
    auto* session = co_await reads_.writable(id_, queue_);
    if (!session) co_return false;
    v1::ServerFrame frame;
    to_proto(view, *frame.mutable_conversation());
    reads_.connections_.send(*session, frame);
    if (gap) {
      auto& stretch = *frame.mutable_gap();
      stretch.set_conversation_id(view.conversation.text());
      stretch.set_from(gap->from.value);
      stretch.set_to(gap->to.value);
      reads_.connections_.send(*session, frame);
    }
    co_return true;
  }

  Awaitable<bool> entries(std::vector<EntryPtr> page) override {
    std::string batch;
    for (std::size_t i = 0; i < page.size(); ++i) {
      auto* session = co_await reads_.writable(id_, queue_);
      if (!session) co_return false;
      batch += wire::encode_entry(session->subprotocol, *page[i]);
      const bool more = session->subprotocol == wire::Subprotocol::pb && i + 1 < page.size() &&
                        batch.size() < kBatchBytes;
      if (more) continue;
      reads_.connections_.send(*session, batch);
      batch.clear();
    }
    co_return true;
  }

 private:
  StoreReads& reads_;
  net::ConnectionId id_;
  Queue& queue_;
};

void StoreReads::backlog(Session& session, std::uint64_t re, Cursor since) {
  connections_.asked(session);
  add(session, {.kind = Job::Kind::backlog, .re = re, .since = since});
}

void StoreReads::history(Session& session, std::uint64_t re, HistoryRequest request) {
  connections_.asked(session);
  add(session, {.kind = Job::Kind::history, .re = re, .request = request});
}

void StoreReads::on_drained(Session& session) {
  if (const auto at = queues_.find(session.connection); at != queues_.end()) {
    at->second->drained.cancel();
    if (at->second->catching_up) return;
  }
  if (session.missed_since) add(session, {.kind = Job::Kind::catch_up});
}

void StoreReads::on_close(net::ConnectionId id) {
  if (const auto at = queues_.find(id); at != queues_.end()) at->second->drained.cancel();
}

void StoreReads::add(Session& session, Job job) {
  auto& queue = queues_[session.connection];
  const bool idle = !queue;
  if (idle) queue = std::make_unique<Queue>(io_);
  queue->catching_up = queue->catching_up || job.kind == Job::Kind::catch_up;
  queue->jobs.push_back(job);
  if (!idle) return;
  shared_.metrics.reading.add();
  gate_.spawn([this, id = session.connection, &waiting = *queue] { return run(id, waiting); });
}

Awaitable<void> StoreReads::run(net::ConnectionId id, Queue& queue) {
  while (!queue.jobs.empty() && connections_.find(id)) {
    const auto job = queue.jobs.front();
    queue.jobs.pop_front();
    if (job.kind == Job::Kind::history)
      co_await read_history_for(id, queue, job);
    else
      co_await read_backlog_for(id, queue, job);
    if (job.kind == Job::Kind::catch_up) continue;
    if (auto* session = connections_.find(id)) connections_.answered(*session);
  }
  queues_.erase(id);
  shared_.metrics.reading.add(-1);
}

Awaitable<Session*> StoreReads::writable(net::ConnectionId id, Queue& queue) {
  for (;;) {
    auto* session = connections_.find(id);
    if (!session || !session->full) co_return session;
    queue.drained.expires_at(asio::steady_timer::time_point::max());
    co_await queue.drained.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

Awaitable<void> StoreReads::until_known(UserId user) {
  shared_.presence.flush();
  OneShot<bool> known(io_);
  shared_.services.sessions.locate({user}, [&known](const auto&) { known.set(true); });
  co_await known.get();
}

Awaitable<void> StoreReads::read_backlog_for(net::ConnectionId id, Queue& queue, Job job) {
  auto* session = co_await writable(id, queue);
  if (!session) co_return;
  if (job.kind == Job::Kind::backlog) {
    co_await until_known(session->user);
    session = co_await writable(id, queue);
    if (!session) co_return;
  }
  const bool catch_up = job.kind == Job::Kind::catch_up;
  if (catch_up) {
    queue.catching_up = false;
    job.since = {epoch_, std::exchange(session->missed_since, {})};
  }
  Sink sink(*this, id, queue);
  const auto end = co_await read_backlog(shared_.services.messages, session->user, job.since,
                                         shared_.settings.limits, sink);
  if (end) epoch_ = end->cursor.epoch;
  session = co_await writable(id, queue);
  if (!session) co_return;
  if (!end && catch_up && describe(end.error().code).retryable) {
    // Nobody may own a conversation for some seconds. The sweep comes by again, so that those who
    // wait do not all come at once; what has come twice by then, the client drops.
    if (!session->missed_since || job.since.time < session->missed_since)
      session->missed_since = job.since.time;
  } else if (!end && catch_up) {
    // What was held back cannot be given now, and must not be skipped: the client comes back with
    // its cursor.
    log::warn("gateway", "cannot catch up: {}", end.error().message);
    connections_.hang_up(*session, CloseCode::server_error, "cannot read what was missed");
  } else if (!end) {
    connections_.send_error(*session, job.re, end.error());
  } else if (!catch_up && end->complete) {
    // A catch-up ends without one: it began later than the device's cursor.
    v1::ServerFrame frame;
    frame.set_re(job.re);
    frame.mutable_backlog_end()->set_cursor(end->cursor.text());
    frame.mutable_backlog_end()->set_entries(end->entries);
    connections_.send(*session, frame);
  }
}

Awaitable<void> StoreReads::read_history_for(net::ConnectionId id, Queue& queue, Job job) {
  auto* session = co_await writable(id, queue);
  if (!session) co_return;
  auto page = co_await shared_.services.messages.history(session->user, job.request.conversation,
                                                         job.request.query);
  session = co_await writable(id, queue);
  if (!session) co_return;
  if (!page) co_return connections_.send_error(*session, job.re, page.error());
  trim(*page, job.request.query, shared_.settings.page_bytes());
  v1::ServerFrame frame;
  frame.set_re(job.re);
  to_proto(*page, job.request.conversation, *frame.mutable_result()->mutable_history());
  connections_.send(*session, frame);
}

}  // namespace parley::gateway
