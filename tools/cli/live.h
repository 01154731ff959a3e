#pragma once
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>

#include "cli/context.h"
#include "client/connection.h"

namespace parley::cli {

/// Shows what happens in a session, and on its connection.
class LiveView : public client::SessionListener {
 public:
  void on_typing(const v1::TypingNotice& notice) override {}
  void on_presence(const v1::PresenceNotice& notice) override {}
  virtual void on_link(const client::LinkState& link) = 0;
};

/// A live session of the account: what `open` and `watch` share. Keeps the cursor and what was
/// shown in the account's file, and passes everything on to the view. One thread.
class Live final : private client::SessionListener {
 public:
  Live(Context& context, client::Api& api, LiveView& view);

  client::Session& session() { return session_; }
  /// Durable when it returns; the view hears the rest.
  Outcome<client::OutboxItem> send(const std::string& conversation, const std::string& text);
  void read(const std::string& conversation, std::uint64_t seq);
  void typing(const std::string& conversation);
  void watch(const std::vector<std::uint64_t>& users);
  /// To be kept in `shown`, soon.
  void note_shown(const std::string& conversation, std::uint64_t seq);

  /// Until stop(), or until there is no coming back.
  Awaitable<Outcome<void>> run();
  void stop();
  /// stop() as soon as the backlog is read and nothing is on its way.
  Awaitable<void> stop_when_idle();
  bool stopped() const { return stopped_; }

 private:
  void on_entry(const v1::Entry& entry) override { view_.on_entry(entry); }
  void on_skipped(const std::string& conversation, client::Range range) override {
    view_.on_skipped(conversation, range);
  }
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override {
    view_.on_sent(item, sent);
  }
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override {
    view_.on_send_failed(item, failure);
  }
  void on_receipt(const v1::Receipt& receipt) override { view_.on_receipt(receipt); }
  void on_typing(const v1::TypingNotice& notice) override { view_.on_typing(notice); }
  void on_presence(const v1::PresenceNotice& notice) override { view_.on_presence(notice); }
  void on_backlog_end(const v1::BacklogEnd& end) override;
  void on_trouble(const Failure& failure) override { view_.on_trouble(failure); }
  void save();

  client::Account& account_;
  LiveView& view_;
  client::Outbox outbox_;
  client::Session session_;
  client::Connection connection_;
  boost::asio::steady_timer save_timer_;
  std::map<std::string, std::uint64_t> unsaved_;
  bool caught_up_ = false;
  bool stopped_ = false;
};

/// Calls `on_signal` with each SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGCONT until `live` ends; the
/// first three stop it, and at once when they come again.
class Signals {
 public:
  Signals(Context& context, Live& live, std::function<void(int)> on_signal);
  Awaitable<void> run();
  void cancel() { set_.cancel(); }

 private:
  boost::asio::signal_set set_;
  Live& live_;
  std::function<void(int)> on_signal_;
};

}  // namespace parley::cli
