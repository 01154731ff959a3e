#include "traffic.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <stdexcept>

#include "cpu.h"
#include "traffic_impl.h"

namespace parley::load {
namespace {

constexpr Nanos kMs = 1'000'000;
constexpr Nanos kSecond = 1'000 * kMs;
constexpr Nanos kTick = 10 * kMs;
constexpr Nanos kCounted = -1;               // of `first_loss_`: this interruption has been noted
constexpr std::uint64_t kTicksPerAck = 100;  // an `ack` of each connection at most once a second
constexpr Nanos kGiveUpConnecting = 60 * kSecond;

Nanos nanos(double seconds) { return static_cast<Nanos>(seconds * static_cast<double>(kSecond)); }

}  // namespace

volatile std::sig_atomic_t stop_asked = 0;

Traffic::Traffic(const Options& options, const Target& target, std::vector<Account> accounts,
                 Share share, std::vector<GroupPlan> groups)
    : options_(options),
      target_(target),
      share_(std::move(share)),
      checker_(SendIds(share_.unix_ms, share_.nonce, static_cast<std::uint8_t>(share_.process))),
      texts_(options.seed, options.text_bytes),
      random_(options.seed * 1'000 + share_.process),
      accounts_(std::move(accounts)),
      users_(accounts_.size()) {
  senders_ = part_of(options_.senders, options_.processes, share_.process);
  if (groups.empty() || options_.group_ratio < 1) make_pairs_talk();
  make_groups_talk(groups);
  make_clients();
}

Traffic::~Traffic() = default;

Result Traffic::run() {
  connect_all();
  check_limits();
  share_.all_ready();
  load();
  settle();
  if (options_.hold > 0) hold();
  prove();
  result_.faults.merge(checker_.faults());
  result_.interruptions = checker_.interruptions();
  return std::move(result_);
}

void Traffic::connect_all() {
  std::size_t next = 0;
  const Nanos give_up =
      now() + kGiveUpConnecting + nanos(0.01 * static_cast<double>(clients_.size()));
  next_tick_ = now();
  while (ready_ < clients_.size()) {
    std::size_t under_way = next - ready_;
    for (; next < clients_.size() && under_way < options_.connecting; ++next, ++under_way)
      clients_[next]->session.connect();
    turn(now() + kTick);
    if (stop_asked != 0) throw std::runtime_error("stopped while connecting");
    if (now() > give_up)
      throw std::runtime_error(
          fmt::format("{} of {} sessions are ready: {}", ready_, clients_.size(), last_trouble_));
  }
  result_[Counter::sessions] = clients_.size();
}

void Traffic::check_limits() {
  const v1::Limits& limits = clients_.front()->session.welcome().limits();
  result_.limits = fmt::format(
      "frame {} bytes, text {} bytes, batch {}, unanswered {}, history page {}, sends {}/s, ack {} "
      "marks",
      limits.frame_bytes(), limits.text_bytes(), limits.batch_frames(),
      limits.unanswered_requests(), limits.history_page(), limits.sends_per_second(),
      limits.ack_marks());
  if (options_.text_bytes > limits.text_bytes())
    throw std::runtime_error(
        fmt::format("the server takes texts up to {} bytes", limits.text_bytes()));
  if (options_.rate == 0 && options_.outstanding > limits.unanswered_requests())
    throw std::runtime_error(
        fmt::format("the server takes {} unanswered requests", limits.unanswered_requests()));
}

// ---- coming and going

void Traffic::on_ready(Session& session) {
  Client& client = *clients_[session.number];
  ++ready_;
  if (ready_ == clients_.size()) first_loss_ = 0;
  client.counted = true;
  client.attempts = 0;
  if (client.begun)
    came_back(client);
  else
    began(client);
}

void Traffic::began(Client& client) {
  client.begun = true;
  client.first_cursor = client.session.cursor;
  v1::ClientFrame frame;
  for (const auto& [name, head] : client.first_heads) {
    if (const auto conversation = find_own(client, name)) {
      const LogIndex log = log_of(client, *conversation);
      checker_.began_at(log, head.seq);
      delivered_sent_[log] = head.seq;
    }
    if (head.delivered >= head.seq) continue;
    auto& mark = *frame.mutable_ack()->add_marks();
    mark.set_conversation_id(name);
    mark.set_seq(head.seq);
    if (static_cast<std::uint32_t>(frame.ack().marks_size()) ==
        client.session.welcome().limits().ack_marks())
      break;
  }
  if (frame.has_ack()) client.session.request(frame);
  client.first_heads = {};
  watch(client);
}

void Traffic::came_back(Client& client) {
  ++result_[Counter::reconnects];
  result_.away.record(now() - client.lost_at);
  resend(client);
  send_read(client);
  watch(client);
  for (std::size_t slot = 0; slot < fetches_.size(); ++slot)
    if (fetches_[slot].used && fetches_[slot].client == client.session.number) request_fetch(slot);
  // An `ack` has no answer, so any may have been lost with the connection.
  for (const ConversationIndex conversation : users_[client.user].all) {
    const LogIndex log = log_of(client, conversation);
    if (delivered_sent_[log] == 0) continue;
    delivered_sent_[log] = 0;
    mark_dirty(client, log);
  }
  if (proof_) prove_again(client);
}

void Traffic::on_lost(Session& session, int code, std::string_view reason) {
  Client& client = *clients_[session.number];
  last_trouble_ = fmt::format("connection closed with {} {}", code, reason);
  client.first_heads.clear();
  left(client);
  if (std::exchange(client.leaving, false)) return;  // drop_one has put it into the queue
  if (options_.kill_aware) {
    note_interruption();
  } else {
    if (client.begun)
      result_.faults.add(FaultKind::disconnected,
                         fmt::format("user {}: {}", accounts_[client.user].user, last_trouble_));
    else if (code >= 4500 && session.ticket.empty())
      throw std::runtime_error(last_trouble_);
  }
  const Nanos most = std::min<Nanos>(20 * kMs << std::min(client.attempts, 6U), kSecond);
  ++client.attempts;
  reconnect_later(client,
                  most / 2 + static_cast<Nanos>(random_() % static_cast<std::uint64_t>(most)));
}

void Traffic::note_interruption() {
  // Connections end one after another, and what the server still said is read until then: only when
  // all are gone is it known what has no answer.
  if (first_loss_ == 0) {
    first_loss_ = now();
    first_loss_unix_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
  }
  if (ready_ > 0 || first_loss_ < 0) return;
  std::vector<SendIndex> caught;
  for (const auto& client : clients_)
    for (const SendIndex send : client->unanswered)
      if (checker_.send(send).acknowledged == 0 && checker_.send(send).sent <= first_loss_)
        caught.push_back(send);
  checker_.interrupted(first_loss_unix_ms_, caught);
  first_loss_ = kCounted;
}

void Traffic::left(Client& client) {
  if (std::exchange(client.counted, false)) {
    --ready_;
    client.lost_at = now();
  }
  client.resend_all = true;
  client.retry.clear();
  client.retry_fetches.clear();
  client.retry_jobs.clear();
  client.retry_read = client.retry_views = client.retry_watch = client.has_retries = false;
  if (std::exchange(client.asks, false)) --watching_;
}

void Traffic::reconnect_later(Client& client, Nanos delay) {
  if (std::exchange(client.returning, true)) return;
  returns_.emplace(now() + delay, client.session.number);
}

void Traffic::drop_one() {
  Client& client = *clients_[random_() % clients_.size()];
  if (!client.session.ready()) return;
  ++result_[Counter::drops];
  const Nanos away = 10 * kMs + static_cast<Nanos>(random_() % static_cast<std::uint64_t>(kSecond));
  left(client);
  if (random_() % 2 == 0) {
    client.session.drop();
  } else {
    client.leaving = true;
    client.session.close();
  }
  reconnect_later(client, away);
}

// ---- time

void Traffic::turn(Nanos deadline) {
  loop_.turn(std::min(deadline, next_tick_));
  turn_now_ = now();
  if (turn_now_ >= next_tick_) tick();
}

void Traffic::tick() {
  next_tick_ = std::max(next_tick_ + kTick, turn_now_);
  ++ticks_;
  for (std::size_t i = ticks_ % kTicksPerAck; i < clients_.size(); i += kTicksPerAck) {
    Client& client = *clients_[i];
    if (!client.session.ready()) continue;
    acknowledge_entries(client);
    read_something(client);
  }
  while (!returns_.empty() && returns_.top().first <= turn_now_) {
    Client& client = *clients_[returns_.top().second];
    returns_.pop();
    client.returning = false;
    if (client.session.idle())
      client.session.connect();
    else
      reconnect_later(client, kTick);  // the server has not closed yet
  }
  for (const std::size_t number : std::exchange(retrying_, {})) {
    Client& client = *clients_[number];
    if (!client.has_retries) continue;  // it reconnected, and asked all again
    if (client.retry_at <= turn_now_ && client.session.ready())
      retry_failed(client);
    else
      retrying_.push_back(number);
  }
  look_at_holes();
  if (sending_ && options_.drop_rate > 0) {
    const auto each = nanos(static_cast<double>(options_.processes) / options_.drop_rate);
    for (; next_drop_ <= turn_now_; next_drop_ += each) drop_one();
  }
  if (turn_now_ >= next_progress_) progress();
}

void Traffic::send_due() {
  const double spacing =
      static_cast<double>(kSecond) * static_cast<double>(options_.processes) / options_.rate;
  const auto until = static_cast<double>(std::min(turn_now_, measure_to_ - 1));
  for (; next_send_ <= until; next_send_ += spacing) {
    send_next(speakers_[next_speaker_], static_cast<Nanos>(next_send_));
    next_speaker_ = (next_speaker_ + 1) % speakers_.size();
  }
}

void Traffic::load() {
  const Nanos start = turn_now_ = now();
  measure_from_ = start + nanos(options_.warm_up);
  measure_to_ = measure_from_ + nanos(options_.duration);
  next_send_ = static_cast<double>(start);
  next_drop_ = next_tick_ = start;
  sending_ = true;
  progress();
  measure(start);
  if (options_.rate == 0)
    for (std::size_t n = 0; n < options_.outstanding; ++n)
      for (const std::size_t user : speakers_) send_next(user, now());
  while (turn_now_ < measure_to_ && stop_asked == 0) {
    const Nanos boundary = measuring_ ? measure_to_ : measure_from_;
    turn(options_.rate > 0 ? std::min(boundary, static_cast<Nanos>(next_send_)) : boundary);
    measure(turn_now_);
    if (options_.rate > 0) send_due();
    if (options_.messages > 0 && outstanding_ == 0) break;
  }
  sending_ = false;
  measure_to_ = std::min(measure_to_, turn_now_);
  measure(measure_to_);
}

void Traffic::measure(Nanos moment) {
  if (!measuring_ && moment >= measure_from_ && moment < measure_to_) {
    measuring_ = true;
    if (options_.say_when && share_.talks) fmt::print("measuring\n"), std::fflush(stdout);
    measure_from_ = moment;
    cpu_at_start_ = cpu_seconds();
  } else if (measuring_ && moment >= measure_to_) {
    measuring_ = false;
    if (options_.say_when && share_.talks) fmt::print("measured\n"), std::fflush(stdout);
    result_.cpu_seconds = cpu_seconds() - cpu_at_start_;
    result_.seconds = static_cast<double>(moment - measure_from_) / static_cast<double>(kSecond);
  }
}

void Traffic::hold() {
  if (share_.talks) {
    fmt::print("holding {}\n", ready_);
    std::fflush(stdout);
  }
  const Nanos until = now() + nanos(options_.hold);
  while (now() < until && stop_asked == 0) turn(until);
}

void Traffic::progress() {
  next_progress_ = turn_now_ + kSecond;
  if (!share_.talks || options_.quiet) return;
  const std::array<std::uint64_t, 2> is{result_[Counter::acknowledged], result_.delivery.count()};
  const char* phase = proof_ ? "proving" : sending_ ? "sending" : "waiting";
  fmt::print(stderr,
             "{}: {} sessions ready, {} acknowledged/s, {} in all, {} unanswered, "
             "acknowledgement p50 {:.2f} p99 {:.2f} ms\n",
             phase, ready_, is[0] - progress_before_[0], is[0], outstanding_,
             static_cast<double>(result_.acknowledgement.percentile(50)) / 1e6,
             static_cast<double>(result_.acknowledgement.percentile(99)) / 1e6);
  progress_before_ = is;
}

}  // namespace parley::load
