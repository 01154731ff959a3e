#pragma once
#include <functional>
#include <optional>

#include "cli/line_editor.h"
#include "cli/line_views.h"
#include "cli/people.h"
#include "cli/screen.h"

namespace parley::cli {

/// One conversation on a terminal: history and live messages with their ticks, what is on its way
/// below them, who types, and a line to type. Messages of other conversations appear as a remark.
class ChatView final : public LiveView {
 public:
  ChatView(Context& context, People& people, People::Place place);

  /// What is there when the conversation is opened.
  Awaitable<void> show_history(v1::History page, v1::Conversation state);
  void show_pending(const client::OutboxItem& item);
  void show_note(std::string text);
  /// Called with the seq of each message of others that is on screen now.
  void on_shown(std::function<void(std::uint64_t)> handler) { shown_ = std::move(handler); }

  /// Keys typed; answers what they entered.
  LineEditor::Result type(std::string_view keys);
  void resize();
  void leave();

  void on_entry(const v1::Entry& entry) override { entries_.push(entry); }
  void on_skipped(const std::string& conversation, client::Range range) override;
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override;
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override;
  void on_receipt(const v1::Receipt& receipt) override;
  void on_typing(const v1::TypingNotice& notice) override;
  void on_presence(const v1::PresenceNotice& notice) override;
  void on_backlog_end(const v1::BacklogEnd& end) override {}
  void on_link(const client::LinkState& link) override;
  void on_trouble(const Failure& failure) override { show_note(describe(failure)); }

 private:
  struct Own {
    v1::Entry entry;
    std::string text;
    std::size_t line;
  };
  void append(const v1::Entry& entry, const std::string& who, const std::string& text);
  void take(const v1::Entry& entry, const std::string& who, const std::string& where,
            const std::string& text);
  void advance(std::uint64_t user, std::uint64_t delivered, std::uint64_t read);
  std::string render(const v1::Entry& entry, std::string_view who, std::string_view text) const;
  bool in_group() const { return place_.conversation.starts_with("g:"); }
  std::string tick(std::uint64_t seq) const;
  std::string style(std::string_view code, std::string_view text) const;
  std::string message(std::int64_t time_ms, std::string_view who, std::string_view text) const;
  void refresh_tail();
  void flush();

  const std::uint64_t self_;
  const People::Place place_;
  const bool colour_;
  Screen screen_;
  LineEditor editor_;
  People& people_;
  boost::asio::steady_timer typing_timer_;
  NamedEntries entries_;
  std::function<void(std::uint64_t)> shown_;
  std::vector<Own> own_;
  std::vector<client::OutboxItem> pending_;
  std::string link_note_;
  std::string day_;
  struct Marks {
    std::uint64_t delivered = 0, read = 0;
  };
  std::map<std::uint64_t, Marks> marks_;                                   // of the others
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> typing_;  // until when it is shown
  std::string presence_note_;
};

}  // namespace parley::cli
