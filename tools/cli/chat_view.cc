#include "cli/chat_view.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"

namespace parley::cli {
namespace {

constexpr char kBold[] = "1", kDim[] = "2", kCyan[] = "36", kRed[] = "31";
constexpr std::size_t kIndent = 7;       // below the first character after the time
constexpr std::size_t kTicksKept = 500;  // older ones have long scrolled off

Screen::Size terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

void write_terminal(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the terminal is gone; SIGHUP ends the program
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

ChatView::ChatView(Context& context, People& people, People::Place place)
    : self_(people.self()),
      place_(std::move(place)),
      colour_(std::getenv("NO_COLOR") == nullptr),
      screen_(terminal_size(), kIndent),
      elsewhere_(context, people,
                 [this](const v1::Entry& entry, const std::string& who, const std::string& where) {
                   const auto to = who == "you" ? fmt::format("you → {}", where) : who;
                   show_note(fmt::format("{}: {}", to, printable(entry.body().text())));
                 }) {}

std::string ChatView::style(std::string_view code, std::string_view text) const {
  return colour_ && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text)
                                  : std::string(text);
}

std::string ChatView::tick(std::uint64_t seq) const {
  if (place_.peer == self_ || place_.peer == 0) return style(kDim, "✓");
  if (seq <= read_) return style(kCyan, "✓✓ read");
  return style(kDim, seq <= delivered_ ? "✓✓" : "✓");
}

std::string ChatView::message(std::int64_t time_ms, bool own, std::string_view text) const {
  const std::string_view name = own ? "you" : std::string_view(place_.title);
  const std::string indent(kIndent, ' ');
  std::string body = printable(text);
  for (auto at = body.find('\n'); at != std::string::npos; at = body.find('\n', at + 1))
    body.insert(at + 1, indent);
  return fmt::format("{}  {} {}", style(kDim, clock_time(time_ms)),
                     style(own ? kCyan : kBold, fmt::format("{}:", name)), body);
}

std::string ChatView::render(const v1::Entry& entry) const {
  const bool own = entry.sender() == self_;
  auto line = message(entry.time_ms(), own, entry.body().text());
  return own ? fmt::format("{}  {}", line, tick(entry.seq())) : line;
}

/// Marks only grow, and read implies delivered.
void ChatView::advance(std::uint64_t delivered, std::uint64_t read) {
  delivered = std::max({delivered_, delivered, read});
  read = std::max(read_, read);
  if (delivered == delivered_ && read == read_) return;
  delivered_ = delivered;
  read_ = read;
  for (const auto& own : own_) screen_.replace(own.line, render(own.entry));
}

void ChatView::append(const v1::Entry& entry) {
  // Who writes has read what was there: no receipt says so.
  if (entry.sender() == place_.peer) advance(0, entry.seq());
  if (const auto day = date_time(entry.time_ms()).substr(0, 10); day != day_) {
    if (!day_.empty() || day != date_time(client::wall_ms()).substr(0, 10))
      screen_.append(style(kDim, fmt::format("— {} —", day)));
    day_ = day;
  }
  const auto line = screen_.append(render(entry));
  if (entry.sender() == self_) own_.push_back({entry, line});
  if (own_.size() > kTicksKept) own_.erase(own_.begin());
}

void ChatView::show_history(const v1::History& page, const v1::Conversation& state) {
  for (const auto& receipt : state.others()) advance(receipt.delivered(), receipt.read());
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
    append(entry);
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

void ChatView::leave() { write_terminal(screen_.leave()); }

void ChatView::on_entry(const v1::Entry& entry) {
  if (entry.conversation_id() != place_.conversation) return elsewhere_.push(entry);
  std::erase_if(pending_, [&](const auto& item) {
    return item.client_message_id() == entry.client_message_id();
  });
  append(entry);
  flush();
  if (entry.sender() != self_) shown_(entry.seq());
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
  advance(receipt.delivered(), receipt.read());
  flush();
}

void ChatView::on_link(const client::LinkState& link) {
  link_note_ = link.online ? "" : fmt::format("· not connected: {}; trying again", link.why);
  flush();
}

void ChatView::refresh_tail() {
  std::vector<std::string> tail;
  for (const auto& item : pending_)
    tail.push_back(message(item.created_ms(), true, item.text()) + style(kDim, "  …"));
  if (!link_note_.empty()) tail.push_back(style(kRed, link_note_));
  screen_.set_tail(std::move(tail));
}

void ChatView::flush() {
  refresh_tail();
  screen_.set_input("> ", editor_.text(), editor_.cursor());
  write_terminal(screen_.paint());
}

}  // namespace parley::cli
