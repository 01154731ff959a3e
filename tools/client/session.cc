#include "client/session.h"

#include <algorithm>
#include <random>

namespace parley::client {
using std::chrono::milliseconds;

namespace {

Failure to_failure(const v1::Error& error) {
  return {.code = error.code(),
          .message = error.message(),
          .field = error.field(),
          .retryable = error.retryable(),
          .retry_after_ms = error.retry_after_ms()};
}

constexpr char kClientName[] = "parley/0.1";
constexpr std::uint32_t kAckMarks = 512;  // as JSON they are below 64 KiB

}  // namespace

milliseconds backoff(int failures, double random) {
  const double ceiling =
      std::min(20'000.0, 250.0 * static_cast<double>(1 << std::min(failures, 10)));
  return milliseconds(static_cast<int>(ceiling / 2 + random * ceiling / 2));
}

double random_unit() {
  static std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

v1::ClientFrame& Session::ask(Request request) {
  auto& frame = out_.emplace_back();
  frame.set_id(++last_id_);
  requests_.emplace(last_id_, std::move(request));
  return frame;
}

Session::Log& Session::log(const std::string& conversation) { return logs_[conversation]; }

void Session::answered(Request::Kind kind) {
  std::erase_if(requests_, [&](const auto& row) { return row.second.kind == kind; });
}

void Session::opened(const std::string& access_token, Time now) {
  state_ = State::greeting;
  stalled_ = false;
  refusal_.reset();
  auto& hello = *ask({Request::Kind::hello, {}, {}, 0, now}).mutable_hello();
  used_ticket_ = !ticket_.empty() && now < ticket_until_;
  if (used_ticket_)
    hello.set_resume_ticket(ticket_);
  else
    hello.set_token(access_token);
  hello.set_cursor(cursor_);
  hello.set_client(kClientName);
}

void Session::closed() {
  state_ = State::offline;
  requests_.clear();
  out_.clear();
  sync_at_ = Time::max();
  for (auto& [id, log] : logs_) {
    log.sending = log.reading = false;
    log.delivered.told = 0;  // an ack has no answer: say it again
  }
}

void Session::renew_token(const std::string& access_token, Time now) {
  if (state_ == State::online)
    ask({Request::Kind::token, {}, {}, 0, now}).mutable_token()->set_token(access_token);
}

void Session::track(const std::string& conversation, std::uint64_t shown, std::uint64_t head,
                    Acks acks, Time now) {
  auto& log = logs_[conversation];
  log.view = LogView(shown);
  log.acks = acks == Acks::yes;
  log.view.note_head(head, now);
}

Outcome<OutboxItem> Session::send(const std::string& conversation, const std::string& text,
                                  Time now) {
  auto item = outbox_.add(conversation, text);
  if (item) pump(now);
  return item;
}

void Session::read(const std::string& conversation, std::uint64_t seq, Time now) {
  auto& mark = log(conversation).read;
  mark.wanted = std::max(mark.wanted, seq);
  pump(now);
}

bool Session::idle() const {
  return outbox_.items().empty() && std::ranges::all_of(logs_, [](const auto& row) {
           const auto& log = row.second;
           return log.read.told >= log.read.wanted && log.delivered.told >= log.delivered.wanted;
         });
}

void Session::tick(Time now) {
  for (const auto& [id, request] : requests_)
    if (now >= request.asked + kAnswerPatience) stalled_ = true;
  if (state_ == State::online && now >= sync_at_) {
    sync_at_ = now + kSyncInterval;
    if (std::exchange(live_since_sync_, false))
      ask({Request::Kind::sync, {}, {}, 0, now}).mutable_sync()->set_cursor(cursor_);
  }
  pump(now);
}

Time Session::next_tick() const {
  Time next = sync_at_;
  for (const auto& [id, request] : requests_)
    next = std::min(next, request.asked + kAnswerPatience);
  if (state_ != State::online) return next;
  for (const auto& [id, log] : logs_) {
    next = std::min(next, log.view.fetch_at());
    if (log.delivered.wanted > log.delivered.told) next = std::min(next, last_ack_ + kAckInterval);
    if (log.read.wanted > log.read.told && !log.reading) next = std::min(next, log.read_at);
  }
  for (const auto& item : outbox_.items())
    if (const auto found = logs_.find(item.conversation_id());
        found != logs_.end() && !found->second.sending)
      next = std::min(next, found->second.send_at);
  return next;
}

void Session::pump(Time now) {
  if (state_ != State::online) return;
  pump_sends(now);
  pump_marks(now);
  pump_fetches(now);
}

void Session::pump_sends(Time now) {
  for (const auto& item : outbox_.items()) {
    auto& to = log(item.conversation_id());
    if (to.sending || now < to.send_at) continue;
    to.sending = true;
    auto& send =
        *ask({Request::Kind::send, item.conversation_id(), item.client_message_id(), 0, now})
             .mutable_send();
    send.set_conversation_id(item.conversation_id());
    send.set_client_message_id(item.client_message_id());
    send.mutable_body()->set_text(item.text());
  }
}

void Session::pump_marks(Time now) {
  for (auto& [conversation, log] : logs_) {
    if (log.reading || log.read.wanted <= log.read.told || now < log.read_at) continue;
    log.reading = true;
    // Read implies delivered: no ack is needed up to there.
    log.delivered.told = std::max(log.delivered.told, log.read.wanted);
    auto& read = *ask({Request::Kind::read, conversation, {}, log.read.wanted, now}).mutable_read();
    read.set_conversation_id(conversation);
    read.set_seq(log.read.wanted);
  }
  if (now < last_ack_ + kAckInterval && last_ack_ != Time::min()) return;
  v1::Ack ack;
  const auto most = std::min(limits_.ack_marks() ? limits_.ack_marks() : kAckMarks, kAckMarks);
  for (auto& [conversation, log] : logs_) {
    if (log.delivered.wanted <= log.delivered.told || ack.marks_size() == static_cast<int>(most))
      continue;
    log.delivered.told = log.delivered.wanted;
    auto& mark = *ack.add_marks();
    mark.set_conversation_id(conversation);
    mark.set_seq(log.delivered.wanted);
  }
  if (ack.marks_size() == 0) return;
  last_ack_ = now;
  *out_.emplace_back().mutable_ack() = std::move(ack);
}

void Session::pump_fetches(Time now) {
  for (auto& [conversation, log] : logs_) {
    if (now < log.view.fetch_at()) continue;
    log.view.fetch_started();
    auto& history =
        *ask({Request::Kind::history, conversation, {}, log.view.shown(), now}).mutable_history();
    history.set_conversation_id(conversation);
    history.set_after(log.view.shown());
    history.set_limit(limits_.history_page() ? limits_.history_page() : 200);
  }
}

void Session::show(const std::string& conversation, std::vector<v1::Entry> entries) {
  for (const auto& entry : entries) {
    auto& log = logs_[conversation];
    if (entry.sender() != self_ && log.acks)
      log.delivered.wanted = std::max(log.delivered.wanted, entry.seq());
    listener_.on_entry(entry);
  }
}

namespace {

/// Whether somebody became a member of a group by this entry.
bool joins(const v1::Entry& entry, std::uint64_t user) {
  const auto& change = entry.group_change();
  const auto& users = change.has_created() ? change.created().members() : change.added().user_ids();
  return std::ranges::find(users, user) != users.end();
}

}  // namespace

void Session::typing(const std::string& conversation, Time now) {
  auto& told = typing_told_[conversation];
  if (state_ != State::online || (told && now - *told < kTypingInterval)) return;
  told = now;
  out_.emplace_back().mutable_typing()->set_conversation_id(conversation);
}

void Session::watch(const std::vector<std::uint64_t>& users) {
  watched_ = users;
  if (state_ == State::online) tell_watched();
}

void Session::tell_watched() {
  if (watched_.empty()) return;
  auto& list = *out_.emplace_back().mutable_presence()->mutable_user_ids();
  list.Assign(watched_.begin(), watched_.end());
}

void Session::received(const v1::ServerFrame& frame, Time now) {
  using Event = v1::ServerFrame::EventCase;
  std::optional<Request> request;
  for (auto& [id, other] : requests_)
    if (other.kind == Request::Kind::sync) other.asked = now;  // a long backlog is no silence
  if (const auto found = requests_.find(frame.re());
      frame.re() != 0 && !frame.has_welcome() && found != requests_.end()) {
    request = std::move(found->second);
    requests_.erase(found);
  }
  switch (frame.event_case()) {
    case Event::kWelcome:
      on_welcome(frame.welcome(), now);
      break;
    case Event::kEntry: {
      live_since_sync_ = true;
      const auto& id = frame.entry().conversation_id();
      auto& view = log(id).view;
      if (joins(frame.entry(), self_)) show(id, view.begin_at(frame.entry().seq(), now));
      show(id, view.add(frame.entry(), now));
      break;
    }
    case Event::kReceipt:
      listener_.on_receipt(frame.receipt());
      break;
    case Event::kConversation:
      on_conversation(frame.conversation(), now);
      break;
    case Event::kGap: {
      auto& view = log(frame.gap().conversation_id()).view;
      view.note_head(frame.gap().to(), now);
      break;
    }
    case Event::kBacklogEnd:
      answered(Request::Kind::sync);
      cursor_ = frame.backlog_end().cursor();
      listener_.on_backlog_end(frame.backlog_end());
      break;
    case Event::kReconnect:
      come_back_after_ = milliseconds(frame.reconnect().after_ms());
      break;
    case Event::kResult:
      if (request) on_result(*request, frame.result(), now);
      break;
    case Event::kError:
      if (request)
        on_error(*request, frame.error(), now);
      else if (frame.re() == 0)
        listener_.on_trouble(to_failure(frame.error()));
      break;
    case Event::kTyping:
      listener_.on_typing(frame.typing());
      break;
    case Event::kPresence:
      listener_.on_presence(frame.presence());
      break;
    case Event::kPong:
    case Event::EVENT_NOT_SET:
      break;  // nothing that this client shows
  }
  pump(now);
}

void Session::on_welcome(const v1::Welcome& welcome, Time now) {
  state_ = State::online;
  limits_ = welcome.limits();
  ticket_ = welcome.resume_ticket();
  ticket_until_ = now + milliseconds(welcome.ticket_expires_ms() - welcome.server_time_ms());
  sync_at_ = now + kSyncInterval;
  tell_watched();
  // What is still to come is the backlog, as after `sync`.
  for (auto& [id, request] : requests_)
    if (request.kind == Request::Kind::hello) request.kind = Request::Kind::sync;
  for (auto& [id, log] : logs_) log.view.fetch_failed(now + LogView::kGapPatience);
}

void Session::on_conversation(const v1::Conversation& conversation, Time now) {
  auto& view = log(conversation.conversation_id()).view;
  show(conversation.conversation_id(), view.begin_at(conversation.joined(), now));
  view.note_head(conversation.head(), now);
  for (const auto& receipt : conversation.others()) {
    auto full = receipt;
    full.set_conversation_id(conversation.conversation_id());
    listener_.on_receipt(full);
  }
}

void Session::on_result(const Request& request, const v1::Result& result, Time now) {
  switch (request.kind) {
    case Request::Kind::send:
      on_sent(request, result.sent(), now);
      break;
    case Request::Kind::read: {
      auto& log = logs_[request.conversation];
      log.reading = false;
      log.read.told = std::max(log.read.told, request.seq);
      break;
    }
    case Request::Kind::history: {
      auto fetched = logs_[request.conversation].view.fetched(result.history(), now);
      if (fetched.skipped) listener_.on_skipped(request.conversation, *fetched.skipped);
      show(request.conversation, std::move(fetched.entries));
      break;
    }
    case Request::Kind::hello:
    case Request::Kind::token:
    case Request::Kind::sync:
      break;
  }
}

void Session::on_error(const Request& request, const v1::Error& error, Time now) {
  auto failure = to_failure(error);
  auto& log = logs_[request.conversation];
  const auto again =
      now + std::max(milliseconds(error.retry_after_ms()),
                     error.retryable() ? backoff(log.failures++, random_unit()) : milliseconds(0));
  switch (request.kind) {
    case Request::Kind::hello:
      refusal_ = std::move(failure);
      break;
    case Request::Kind::send: {
      log.sending = false;
      if (error.retryable()) {
        log.send_at = again;
        break;
      }
      if (const auto* item = outbox_.find(request.client_message_id)) {
        const OutboxItem copy = *item;
        drop_item(copy.client_message_id());
        listener_.on_send_failed(copy, failure);
      }
      break;
    }
    case Request::Kind::read:
      log.reading = false;
      if (error.retryable())
        log.read_at = again;
      else
        log.read.told = std::max(log.read.told, request.seq);  // asking again would not help
      break;
    case Request::Kind::history:
      if (error.retryable()) {
        log.view.fetch_failed(again);
      } else {
        auto fetched = log.view.fetched(v1::History(), now);
        if (fetched.skipped) listener_.on_skipped(request.conversation, *fetched.skipped);
        show(request.conversation, std::move(fetched.entries));
      }
      break;
    case Request::Kind::sync:
      live_since_sync_ = true;
      sync_at_ = std::max(again, now + kAckInterval);
      listener_.on_trouble(failure);
      break;
    case Request::Kind::token:
      listener_.on_trouble(failure);
      break;
  }
}

void Session::on_sent(const Request& request, const v1::Sent& sent, Time now) {
  auto& log = logs_[request.conversation];
  log.sending = false;
  log.failures = 0;
  const auto* item = outbox_.find(request.client_message_id);
  if (!item) return;  // another process of this account had the answer first
  const OutboxItem copy = *item;
  drop_item(copy.client_message_id());
  listener_.on_sent(copy, sent);
  // The server does not repeat an entry to the connection that sent it.
  v1::Entry entry;
  entry.set_conversation_id(copy.conversation_id());
  entry.set_seq(sent.seq());
  entry.set_message_id(sent.message_id());
  entry.set_sender(self_);
  entry.set_time_ms(sent.time_ms());
  entry.set_client_message_id(copy.client_message_id());
  entry.mutable_body()->set_text(copy.text());
  show(copy.conversation_id(), log.view.add(std::move(entry), now));
}

void Session::drop_item(const std::string& client_message_id) {
  if (const auto removed = outbox_.remove(client_message_id); !removed)
    listener_.on_trouble(removed.error());
}

}  // namespace parley::client
