#include "cli/chat_view.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

#include "cli/input.h"
#include "cli/text.h"

namespace parley::cli {
namespace {

constexpr char kBold[] = "1", kDim[] = "2", kCyan[] = "36", kRed[] = "31";
constexpr std::size_t kIndent = 7;  // below the first character after the time
constexpr char kSelf[] = "you";     // as People calls the account itself
constexpr std::chrono::seconds kTypingShown{5};
constexpr std::size_t kTicksKept = 500;  // older ones have long scrolled off

}  // namespace

ChatView::ChatView(Context& context, People& people, People::Place place)
    : self_(people.self()),
      place_(std::move(place)),
      colour_(std::getenv("NO_COLOR") == nullptr),
      screen_(terminal_size(), kIndent),
      people_(people),
      typing_timer_(context.io()),
      entries_(context, people,
               [this](const v1::Entry& entry, const std::string& who, const std::string& where,
                      const std::string& text) { take(entry, who, where, text); }) {}

std::string ChatView::style(std::string_view code, std::string_view text) const {
  return colour_ && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text)
                                  : std::string(text);
}

std::string ChatView::tick(std::uint64_t seq) const {
  std::size_t delivered = 0, read = 0;
  for (const auto& [user, marks] : marks_) {
    delivered += seq <= marks.delivered;
    read += seq <= marks.read;
  }
  if (read) return style(kCyan, in_group() ? fmt::format("✓✓ read by {}", read) : "✓✓ read");
  return style(kDim, delivered ? "✓✓" : "✓");
}

std::string ChatView::message(std::int64_t time_ms, std::string_view who,
                              std::string_view text) const {
  const std::string indent(kIndent, ' ');
  std::string body(text);
  for (auto at = body.find('\n'); at != std::string::npos; at = body.find('\n', at + 1))
    body.insert(at + 1, indent);
  return fmt::format("{}  {} {}", style(kDim, clock_time(time_ms)),
                     style(who == kSelf ? kCyan : kBold, fmt::format("{}:", who)), body);
}

std::string ChatView::render(const v1::Entry& entry, std::string_view who,
                             std::string_view text) const {
  if (entry.has_group_change()) return style(kDim, fmt::format("— {} {} —", who, text));
  auto line = message(entry.time_ms(), who, text);
  return entry.sender() == self_ ? fmt::format("{}  {}", line, tick(entry.seq())) : line;
}

/// Marks only grow, and read implies delivered.
void ChatView::advance(std::uint64_t user, std::uint64_t delivered, std::uint64_t read) {
  if (user == self_) return;
  auto& marks = marks_[user];
  delivered = std::max({marks.delivered, delivered, read});
  read = std::max(marks.read, read);
  if (delivered == marks.delivered && read == marks.read) return;
  marks = {delivered, read};
  for (const auto& own : own_) screen_.replace(own.line, render(own.entry, kSelf, own.text));
}

void ChatView::append(const v1::Entry& entry, const std::string& who, const std::string& text) {
  // Who writes has read what was there: no receipt says so.
  advance(entry.sender(), 0, entry.seq());
  if (const auto day = date_time(entry.time_ms()).substr(0, 10); day != day_) {
    if (!day_.empty() || day != date_time(client::wall_ms()).substr(0, 10))
      screen_.append(style(kDim, fmt::format("— {} —", day)));
    day_ = day;
  }
  const auto line = screen_.append(render(entry, who, text));
  if (entry.sender() == self_ && entry.has_body()) own_.push_back({entry, text, line});
  if (own_.size() > kTicksKept) own_.erase(own_.begin());
}

Awaitable<void> ChatView::show_history(v1::History page, v1::Conversation state) {
  for (const auto& receipt : state.others())
    advance(receipt.user_id(), receipt.delivered(), receipt.read());
  screen_.append(
      style(kDim, fmt::format("{} — type a line and press Enter; ^D leaves", place_.title)));
  if (page.more_before())
    screen_.append(style(kDim, fmt::format("· earlier: parley history {} --before {}", place_.title,
                                           page.entries(0).seq())));
  bool said_new = false;
  for (const auto& entry : page.entries()) {
    if (!said_new && entry.sender() != self_ && entry.seq() > state.read() && state.head()) {
      screen_.append(style(kBold, fmt::format("— {} —", counted(state.unread(), "new message"))));
      said_new = true;
    }
    append(entry, co_await people_.name_of(entry.sender()), co_await people_.words_of(entry));
  }
  flush();
}

void ChatView::show_pending(const client::OutboxItem& item) {
  pending_.push_back(item);
  flush();
}

void ChatView::show_note(std::string text) {
  screen_.append(style(kDim, "· " + text));
  flush();
}

LineEditor::Result ChatView::type(std::string_view keys) {
  auto typed = editor_.feed(keys);
  if (typed.redraw) screen_.redraw();
  flush();
  return typed;
}

void ChatView::resize() {
  screen_.resize(terminal_size());
  flush();
}

void ChatView::leave() {
  typing_timer_.cancel();
  write_terminal(screen_.leave());
}

void ChatView::take(const v1::Entry& entry, const std::string& who, const std::string& where,
                    const std::string& text) {
  if (entry.conversation_id() != place_.conversation)
    return show_note(fmt::format("{}: {}", address(entry, who, where), text));
  typing_.erase(entry.sender());
  std::erase_if(pending_, [&](const auto& item) {
    return item.client_message_id() == entry.client_message_id();
  });
  append(entry, who, text);
  flush();
  if (entry.sender() != self_) shown_(entry.seq());
}

void ChatView::on_typing(const v1::TypingNotice& notice) {
  if (notice.conversation_id() != place_.conversation || notice.user_id() == self_) return;
  typing_[notice.user_id()] = std::chrono::steady_clock::now() + kTypingShown;
  typing_timer_.expires_after(kTypingShown);
  typing_timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) flush();
  });
  flush();
}

void ChatView::on_presence(const v1::PresenceNotice& notice) {
  if (notice.user_id() != place_.peer || place_.peer == self_) return;
  presence_note_.clear();
  if (notice.online())
    presence_note_ = "online";
  else if (notice.last_seen_ms())
    presence_note_ = "last seen " + when(notice.last_seen_ms());
  flush();
}

void ChatView::on_skipped(const std::string& conversation, client::Range range) {
  if (conversation == place_.conversation)
    show_note(fmt::format("messages #{} to #{} are not available", range.from, range.to));
}

void ChatView::on_sent(const client::OutboxItem& item, const v1::Sent& sent) {
  // The entry follows as soon as all before it is there; until then it stays below.
}

void ChatView::on_send_failed(const client::OutboxItem& item, const Failure& failure) {
  std::erase_if(pending_, [&](const auto& other) {
    return other.client_message_id() == item.client_message_id();
  });
  screen_.append(style(
      kRed, fmt::format("✗ not sent: \"{}\": {}", printable(item.text()), describe(failure))));
  flush();
}

void ChatView::on_receipt(const v1::Receipt& receipt) {
  if (receipt.conversation_id() != place_.conversation || receipt.user_id() == self_) return;
  advance(receipt.user_id(), receipt.delivered(), receipt.read());
  flush();
}

void ChatView::on_link(const client::LinkState& link) {
  link_note_ = link.online ? "" : fmt::format("· not connected: {}; trying again", link.why);
  flush();
}

void ChatView::refresh_tail() {
  std::vector<std::string> tail;
  for (const auto& item : pending_)
    tail.push_back(message(item.created_ms(), kSelf, printable(item.text())) + style(kDim, "  …"));
  std::erase_if(typing_, [now = std::chrono::steady_clock::now()](const auto& one) {
    return one.second <= now;
  });
  if (!typing_.empty())
    tail.push_back(style(
        kDim,
        fmt::format("· {} typing…", in_group() && typing_.size() > 1
                                        ? fmt::format("{} are", typing_.size())
                                        : people_.known_name(typing_.begin()->first) + " is")));
  else if (!presence_note_.empty())
    tail.push_back(style(kDim, fmt::format("· {}: {}", place_.title, presence_note_)));
  if (!link_note_.empty()) tail.push_back(style(kRed, link_note_));
  screen_.set_tail(std::move(tail));
}

void ChatView::flush() {
  refresh_tail();
  screen_.set_input("> ", editor_.text(), editor_.cursor());
  write_terminal(screen_.paint());
}

}  // namespace parley::cli
