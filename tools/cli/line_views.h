#pragma once
#include <deque>

#include "cli/live.h"
#include "cli/people.h"

namespace parley::cli {

/// Gives entries on, in order, together with the names of who wrote them and of where, which it
/// asks for.
class NamedEntries {
 public:
  /// `text`: what is shown of it, harmless for a terminal.
  using Sink = std::function<void(const v1::Entry&, const std::string& who,
                                  const std::string& where, const std::string& text)>;
  NamedEntries(Context& context, People& people, Sink sink)
      : context_(context), people_(people), sink_(std::move(sink)) {}
  void push(v1::Entry entry);

 private:
  Awaitable<void> drain();

  Context& context_;
  People& people_;
  Sink sink_;
  std::deque<v1::Entry> waiting_;
  bool draining_ = false;
};

/// Who wrote, and where if that is not plain: `bob`, `you → bob`, `bob → #sailing`.
std::string address(const v1::Entry& entry, const std::string& who, const std::string& where);

/// Says once that the connection is lost, and once that it is back.
class LinkRemarks {
 public:
  void tell(const client::LinkState& link);

 private:
  bool offline_ = false;
};

/// One JSON object a line: the frames of the protocol, as docs/protocol.md has them.
class JsonView final : public LiveView {
 public:
  void on_entry(const v1::Entry& entry) override;
  void on_skipped(const std::string& conversation, client::Range range) override;
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override;
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override;
  void on_receipt(const v1::Receipt& receipt) override;
  void on_typing(const v1::TypingNotice& notice) override;
  void on_presence(const v1::PresenceNotice& notice) override;
  void on_backlog_end(const v1::BacklogEnd& end) override {}
  void on_link(const client::LinkState& link) override;
  void on_trouble(const Failure& failure) override { remark("parley: " + describe(failure)); }

 private:
  LinkRemarks said_;
};

/// Plain lines that are never changed afterwards.
class TextView final : public LiveView {
 public:
  TextView(Context& context, People& people);
  void on_entry(const v1::Entry& entry) override { entries_.push(entry); }
  void on_skipped(const std::string& conversation, client::Range range) override;
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override {}
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override;
  void on_receipt(const v1::Receipt& receipt) override {}
  void on_backlog_end(const v1::BacklogEnd& end) override {}
  void on_link(const client::LinkState& link) override;
  void on_trouble(const Failure& failure) override { remark("parley: " + describe(failure)); }

 private:
  NamedEntries entries_;
  LinkRemarks said_;
};

/// Passes on what belongs to one conversation, or to all, and tells which entries were shown.
class Focus final : public LiveView {
 public:
  using Shown = std::function<void(const std::string& conversation, std::uint64_t seq)>;
  /// `conversation` empty: all.
  Focus(LiveView& view, std::string conversation, Shown shown)
      : view_(view), conversation_(std::move(conversation)), shown_(std::move(shown)) {}
  /// The last send that the server refused for good.
  const std::optional<Failure>& refused() const { return refused_; }

  void on_entry(const v1::Entry& entry) override;
  void on_skipped(const std::string& conversation, client::Range range) override;
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override;
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override;
  void on_receipt(const v1::Receipt& receipt) override;
  void on_typing(const v1::TypingNotice& notice) override {
    if (covers(notice.conversation_id())) view_.on_typing(notice);
  }
  void on_presence(const v1::PresenceNotice& notice) override { view_.on_presence(notice); }
  void on_backlog_end(const v1::BacklogEnd& end) override { view_.on_backlog_end(end); }
  void on_link(const client::LinkState& link) override { view_.on_link(link); }
  void on_trouble(const Failure& failure) override { view_.on_trouble(failure); }

 private:
  bool covers(const std::string& conversation) const {
    return conversation_.empty() || conversation == conversation_;
  }

  LiveView& view_;
  const std::string conversation_;
  Shown shown_;
  std::optional<Failure> refused_;
};

}  // namespace parley::cli
