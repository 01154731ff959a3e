#include "services/gateway/inflight.h"

#include <utility>

#include "base/check.h"
#include "wire/server_writer.h"

namespace parley::gateway {
namespace {
constexpr std::size_t kKept = 1'024;  // places while nothing is under way

/// What answers took that are given now: those of one turn, which mostly come together, are counted
/// together.
class Took {
 public:
  Took(Histogram& into, Clock::Mono now) : into_(into), now_(now) {}
  ~Took() { count(); }
  Took(const Took&) = delete;
  void add(Clock::Mono since) {
    if (since != since_) count();
    since_ = since;
    ++times_;
  }

 private:
  void count() {
    if (times_ != 0) into_.observe(now_ - since_, times_);
    times_ = 0;
  }
  Histogram& into_;
  const Clock::Mono now_;
  Clock::Mono since_{};
  std::int64_t times_ = 0;
};
}  // namespace

std::uint64_t Inflight::keep(Waiting waiting) {
  if (free_.empty()) {
    waiting_.push_back(waiting);
    return waiting_.size();
  }
  const auto token = free_.back();
  free_.pop_back();
  waiting_[token - 1] = waiting;
  return token;
}

Inflight::Waiting Inflight::take(std::uint64_t token) {
  PARLEY_CHECK(token > 0 && token <= waiting_.size(), "an answer to what was not asked");
  const auto waiting = waiting_[token - 1];
  free_.push_back(token);
  if (waiting_.size() > kKept && open() == 0) {  // what a flood needed is given back
    std::exchange(waiting_, {});
    std::exchange(free_, {});
  }
  return waiting;
}

void Inflight::send(Session& session, std::uint64_t re, SendRequest request) {
  request.token = keep({.connection = session.connection,
                        .re = re,
                        .conversation = request.conversation,
                        .since = turn()});
  connections_.asked(session);
  if (shared_.services.traces) trace(request);
  sends_.push_back(std::move(request));
}

void Inflight::read(Session& session, std::uint64_t re, MarkRequest request) {
  request.token =
      keep({.connection = session.connection, .re = re, .conversation = request.conversation});
  connections_.asked(session);
  marks_.push_back(std::move(request));
}

Awaitable<Result<Head>> Inflight::send(boost::asio::io_context& io, SendRequest request) {
  OneShot<Result<Head>> answer(io);
  request.token = keep(
      {.connection = {}, .conversation = request.conversation, .sent = &answer, .since = turn()});
  if (shared_.services.traces) trace(request);
  sends_.push_back(std::move(request));
  flush();
  co_return co_await answer.get();
}

Awaitable<Result<void>> Inflight::read(boost::asio::io_context& io, MarkRequest request) {
  OneShot<Result<void>> answer(io);
  request.token = keep({.connection = {}, .conversation = request.conversation, .marked = &answer});
  marks_.push_back(std::move(request));
  flush();
  co_return co_await answer.get();
}

void Inflight::trace(const SendRequest& request) {
  const auto id = trace_of(request.sender, request.client_message_id);
  if (shared_.services.traces->wants(id))
    traced_[request.token] = {id, std::chrono::system_clock::now()};
}

void Inflight::traced(std::uint64_t token, const Waiting& waiting, const Result<Head>& sent) {
  const auto at = traced_.find(token);
  if (at == traced_.end()) return;
  shared_.services.traces->take({at->second.trace, Stage::gateway, Stage::gateway, at->second.begin,
                                 std::chrono::system_clock::now(), waiting.conversation,
                                 sent ? sent->seq : Seq(0), 0,
                                 sent ? std::string_view() : describe(sent.error().code).name});
  traced_.erase(at);
}

/// One look at the clock for all sends of a turn.
Clock::Mono Inflight::turn() {
  if (sends_.empty()) turn_ = shared_.clock.mono();
  return turn_;
}

void Inflight::flush() {
  // Sends first: a mark may be up to an entry that the same turn sends.
  if (!sends_.empty()) {
    shared_.metrics.sends.add(static_cast<std::int64_t>(sends_.size()));
    shared_.metrics.open.add(static_cast<std::int64_t>(sends_.size()));
    shared_.services.messages.send(std::exchange(sends_, {}), *this);
  }
  if (!marks_.empty()) shared_.services.messages.mark(std::exchange(marks_, {}), *this);
}

void Inflight::on_sent(std::vector<SendAnswer> answers) {
  // Answers to one session go out as one message, where its subprotocol has batches.
  struct Row {
    Waiting waiting;
    Result<Head>* sent;
  };
  std::vector<Row> rows;
  rows.reserve(answers.size());
  shared_.metrics.open.add(-static_cast<std::int64_t>(answers.size()));
  Took took(shared_.metrics.send_took, shared_.clock.mono());
  for (auto& answer : answers) {
    auto waiting = take(answer.token);
    took.add(waiting.since);
    if (!traced_.empty()) traced(answer.token, waiting, answer.sent);
    if (waiting.sent)
      waiting.sent->set(std::move(answer.sent));
    else
      rows.push_back({waiting, &answer.sent});
  }
  std::ranges::sort(rows, {}, [](const Row& row) {  // of one session, as they were answered
    return std::pair(row.waiting.connection, row.sent);
  });

  std::string batch;
  for (std::size_t i = 0; i < rows.size();) {
    const auto id = rows[i].waiting.connection;
    auto* session = connections_.find(id);
    batch.clear();
    for (; i < rows.size() && rows[i].waiting.connection == id; ++i) {
      if (!session) continue;
      const auto& [waiting, sent] = rows[i];
      connections_.answered(*session);
      if (!*sent)
        connections_.send_error(*session, waiting.re, sent->error());
      else if (waiting.re == 0)
        continue;
      else if (session->subprotocol == wire::Subprotocol::pb)
        wire::append_sent(batch, waiting.re, waiting.conversation, **sent);
      else
        connections_.send(*session, wire::encode_sent(session->subprotocol, waiting.re,
                                                      waiting.conversation, **sent));
    }
    if (!batch.empty()) connections_.send(*session, batch);
  }
}

void Inflight::on_marked(std::vector<MarkAnswer> answers) {
  for (auto& answer : answers) {
    if (answer.token == 0) continue;
    const auto waiting = take(answer.token);
    if (waiting.marked) {
      waiting.marked->set(std::move(answer.done));
      continue;
    }
    auto* session = connections_.find(waiting.connection);
    if (!session) continue;
    connections_.answered(*session);
    if (!answer.done) {
      connections_.send_error(*session, waiting.re, answer.done.error());
    } else if (waiting.re != 0) {
      v1::ServerFrame frame;
      frame.set_re(waiting.re);
      frame.mutable_result();
      connections_.send(*session, frame);
    }
  }
}

}  // namespace parley::gateway
