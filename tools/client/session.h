#pragma once
#include <map>
#include <optional>
#include <parley/v1/frames.pb.h>
#include <string>
#include <vector>

#include "client/failure.h"
#include "client/log_view.h"
#include "client/outbox.h"

namespace parley::client {

/// What a session tells the one who shows it. Called from within the session's methods.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// The next entry of a conversation: by rising seq, each once.
  virtual void on_entry(const v1::Entry& entry) = 0;
  /// The server does not have these for us: they are left out.
  virtual void on_skipped(const std::string& conversation, Range range) = 0;
  virtual void on_sent(const OutboxItem& item, const v1::Sent& sent) = 0;
  /// The server will not take it; it is out of the outbox.
  virtual void on_send_failed(const OutboxItem& item, const Failure& failure) = 0;
  /// Marks of a member of a conversation; they may come again, and never mean less than before.
  virtual void on_receipt(const v1::Receipt& receipt) = 0;
  /// Somebody types; it says nothing after a few seconds.
  virtual void on_typing(const v1::TypingNotice& notice) = 0;
  /// Of somebody who is watched.
  virtual void on_presence(const v1::PresenceNotice& notice) = 0;
  /// The backlog is complete: from now on, live. The cursor is stored by the listener.
  virtual void on_backlog_end(const v1::BacklogEnd& end) = 0;
  /// Something on this side does not work (the state file cannot be written, say).
  virtual void on_trouble(const Failure& failure) = 0;
};

/// One device's session over any number of connections, one after the other: greets, resumes with
/// ticket and cursor, sends what waits in the outbox (one unanswered send a conversation, so that
/// order holds through any failure), puts entries in order, fetches what stays missing, and moves
/// the marks. Pure but for the outbox's file: frames and time come in, frames go out. One thread.
class Session {
 public:
  static constexpr std::chrono::seconds kAckInterval{1};
  static constexpr std::chrono::seconds kAnswerPatience{20};
  static constexpr std::chrono::seconds kSyncInterval{60};
  static constexpr std::chrono::seconds kTypingInterval{3};

  Session(std::uint64_t self, std::string cursor, Outbox& outbox, SessionListener& listener)
      : self_(self), cursor_(std::move(cursor)), outbox_(outbox), listener_(listener) {}

  // From the connection.
  void opened(const std::string& access_token, Time now);
  void received(const v1::ServerFrame& frame, Time now);
  void closed();
  void tick(Time now);
  std::vector<v1::ClientFrame> take_frames() { return std::exchange(out_, {}); }
  /// When tick() has something to do.
  Time next_tick() const;
  bool online() const { return state_ == State::online; }
  /// Nothing comes back on this connection: it is to be broken.
  bool stalled() const { return stalled_; }
  /// Why the server refused hello, if it did; opened() forgets it.
  const std::optional<Failure>& refusal() const { return refusal_; }
  /// Whether the last hello carried a ticket. Forget it when it is refused.
  bool used_ticket() const { return used_ticket_; }
  void forget_ticket() { ticket_.clear(); }
  void forget_cursor() { cursor_.clear(); }
  /// The server announced that it stops: how long to stay away. Told once.
  std::optional<std::chrono::milliseconds> take_come_back_after() {
    return std::exchange(come_back_after_, std::nullopt);
  }
  void renew_token(const std::string& access_token, Time now);

  // From the person.
  enum class Acks { yes, no };
  /// Entries up to `shown` are known, the conversation reaches up to `head`. Conversations that are
  /// not tracked are new and shown from their first entry. Acks::no: older entries are missing
  /// here, so *delivered* is never claimed.
  void track(const std::string& conversation, std::uint64_t shown, std::uint64_t head, Acks acks,
             Time now);
  /// Durable in the outbox when it returns; the listener hears the rest.
  Outcome<OutboxItem> send(const std::string& conversation, const std::string& text, Time now);
  void read(const std::string& conversation, std::uint64_t seq, Time now);
  /// The person types: told once in kTypingInterval, and not kept.
  void typing(const std::string& conversation, Time now);
  /// Whose presence is to be heard of, on every connection from now on.
  void watch(const std::vector<std::uint64_t>& users);
  /// Nothing is on its way to the server any more.
  bool idle() const;

 private:
  enum class State { offline, greeting, online };
  struct Mark {
    std::uint64_t wanted = 0;
    std::uint64_t told = 0;
  };
  struct Log {
    LogView view;
    bool acks = true;
    Mark delivered, read;
    bool sending = false, reading = false;
    Time send_at = Time::min();  // after a retryable failure: not before
    Time read_at = Time::min();
    int failures = 0;
  };
  struct Request {
    enum class Kind { hello, token, send, read, history, sync } kind;
    std::string conversation;
    std::string client_message_id;
    std::uint64_t seq;
    Time asked;
  };

  v1::ClientFrame& ask(Request request);
  void answered(Request::Kind kind);
  void pump(Time now);
  void pump_sends(Time now);
  void pump_marks(Time now);
  void pump_fetches(Time now);
  Log& log(const std::string& conversation);
  void tell_watched();
  void show(const std::string& conversation, std::vector<v1::Entry> entries);
  void on_welcome(const v1::Welcome& welcome, Time now);
  void on_conversation(const v1::Conversation& conversation, Time now);
  void on_result(const Request& request, const v1::Result& result, Time now);
  void on_error(const Request& request, const v1::Error& error, Time now);
  void on_sent(const Request& request, const v1::Sent& sent, Time now);
  void drop_item(const std::string& client_message_id);

  const std::uint64_t self_;
  std::string cursor_;
  Outbox& outbox_;
  SessionListener& listener_;

  State state_ = State::offline;
  bool stalled_ = false;
  bool used_ticket_ = false;
  std::string ticket_;
  Time ticket_until_ = Time::min();
  std::optional<Failure> refusal_;
  std::optional<std::chrono::milliseconds> come_back_after_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Request> requests_;  // without an answer yet
  std::map<std::string, Log> logs_;
  std::map<std::string, std::optional<Time>> typing_told_;
  std::vector<std::uint64_t> watched_;
  Time last_ack_ = Time::min();
  bool live_since_sync_ = false;
  Time sync_at_ = Time::max();
  v1::Limits limits_;
  std::vector<v1::ClientFrame> out_;
};

/// How long to wait before the try after `failures` failures in a row: exponential, at most 20 s,
/// jittered so that many clients do not come back together. `random` is uniform in [0, 1).
std::chrono::milliseconds backoff(int failures, double random);
/// Uniform in [0, 1), from the system.
double random_unit();

}  // namespace parley::client
