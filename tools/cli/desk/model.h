#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <parley/v1/frames.pb.h>
#include <parley/v1/rest.pb.h>
#include <string>
#include <vector>

namespace parley::cli::desk {

using Time = std::chrono::steady_clock::time_point;

/// How long it is shown that somebody types.
inline constexpr std::chrono::seconds kTypingShown{6};

struct Marks {
  std::uint64_t delivered = 0, read = 0;
};

/// One message, or one change of a group, as it is shown. Names and text are harmless for a
/// terminal.
struct Message {
  std::uint64_t seq = 0;
  std::uint64_t sender = 0;
  std::int64_t time_ms = 0;
  std::string who, text;
  bool is_change = false;  // of the group
};

/// A send without an answer, or one that was refused.
struct Pending {
  std::string key, text;
  std::int64_t time_ms = 0;
  std::string refusal;  // empty: it is on its way
};

/// The place in the messages that the bottom of the screen shows: a row of a message, counted from
/// its last one.
struct Anchor {
  std::uint64_t seq = 0;
  std::size_t rows_below = 0;
  bool operator==(const Anchor&) const = default;
};

/// One conversation.
struct Talk {
  std::string id, title;
  std::uint64_t peer = 0;  // 0: not a direct one
  std::uint64_t head = 0, read = 0, unread = 0;
  std::uint64_t listed_head = 0;  // what `unread` counted up to
  std::uint64_t live_head = 0;    // of the entries that came live
  std::int64_t changed_ms = 0;
  std::string last_line;
  std::uint64_t last_line_seq = 0;
  std::uint32_t members = 0;  // of a group, where known
  bool left = false;          // no longer in it

  bool loaded = false;  // `messages` holds a page and all that came since, or one further up
  bool more_before = false, more_after = false;
  std::map<std::uint64_t, Message> messages;
  std::optional<std::uint64_t> new_after;  // "new messages" is drawn behind this seq
  std::optional<Anchor> anchor;            // empty: the newest
  std::vector<Pending> pending;
  std::map<std::uint64_t, Marks> marks;                          // of the others
  std::map<std::uint64_t, std::pair<std::string, Time>> typing;  // until when

  bool is_group() const { return id.starts_with("g:"); }
};

/// What the full-screen view knows and shows, without a terminal: conversations in the order of
/// their last change, one of them open; the keyboard's focus; remarks. Things happen to it, and
/// layout.h draws it. Pure: time comes in. One thread.
class Model {
 public:
  enum class Focus { input, list, pager, question };

  Model(std::uint64_t self, std::string account) : self_(self), account_(std::move(account)) {}

  // What is known.
  std::uint64_t self() const { return self_; }
  const std::string& account() const { return account_; }
  Talk* find(const std::string& id);
  const Talk* find(const std::string& id) const;
  /// The conversations that the list shows: the latest first, those whose title has the filter.
  std::vector<const Talk*> listed() const;
  std::uint64_t unread() const;
  /// `on its way`, `sent`, `delivered`, `read` as ticks, for a message of one's own.
  std::string ticks(const Talk& talk, std::uint64_t seq) const;
  bool is_online(std::uint64_t user) const;
  /// Beside the title: who types, online, last seen, how many members.
  std::string about(const Talk& talk, Time now) const;
  /// The next time that something shown becomes old; Time::max(): never.
  Time next_change(Time now) const;

  // What happens.
  Talk& put(const v1::Conversation& state, std::string title, std::uint64_t peer);
  /// A live entry. False: it belongs to no conversation that was put.
  bool add(const v1::Entry& entry, Message message);
  /// A page of history: instead of what is there, or before it, or behind it.
  enum class Page { instead, older, newer };
  void add_page(const std::string& id, const v1::History& page, std::vector<Message> messages,
                Page where);
  void note_last_line(const std::string& id, const Message& message);
  void add_pending(const std::string& id, Pending pending);
  /// Its entry is there or follows at once.
  void drop_pending(const std::string& id, const std::string& key);
  void refuse(const std::string& id, const std::string& key, std::string why);
  /// False: the account's own mark moved into the middle of what is unread: ask for the count.
  bool advance(const v1::Receipt& receipt);
  void set_presence(const v1::PresenceNotice& notice) { presence_[notice.user_id()] = notice; }
  void set_typing(const v1::TypingNotice& notice, std::string who, Time now);
  void set_title(const std::string& id, std::string title);

  // What the person does.
  void open(const std::string& id);
  const std::string& opened_id() const { return opened_; }
  Talk* opened() { return find(opened_); }
  const Talk* opened() const { return find(opened_); }
  /// The next or previous one of the list; empty where there is none.
  std::string neighbour(int step) const;
  /// The newest message is on screen, so that it is read: its seq, if the account had not read it.
  std::optional<std::uint64_t> seen();

  /// The list has the keyboard: a highlight moves, a filter is typed.
  void enter_list(bool with_filter);
  void leave_list();
  void move_highlight(int step);
  void set_filter(std::string filter);
  const std::string& filter() const { return filter_; }
  bool filtering() const { return filtering_; }
  const std::string& highlighted() const { return highlighted_; }

  /// Lines over the whole view (help, members), until a key.
  void show_pager(std::string title, std::vector<std::string> lines);
  void move_pager(int step);
  void ask(std::string question);
  void end_overlay();
  Focus focus() const { return focus_; }

  std::string note;  // the last remark; the next key takes it away
  bool note_is_bad = false;
  std::string question;  // asked in `Focus::question`
  std::string link;      // empty: connected
  std::string pager_title;
  std::vector<std::string> pager;
  std::size_t pager_top = 0;

  void remark(std::string text, bool bad = false) {
    note = std::move(text);
    note_is_bad = bad;
  }

 private:
  const std::uint64_t self_;
  const std::string account_;
  std::map<std::string, Talk> talks_;
  std::map<std::uint64_t, v1::PresenceNotice> presence_;
  std::string opened_, highlighted_, filter_;
  bool filtering_ = false;
  Focus focus_ = Focus::input;
};

}  // namespace parley::cli::desk
