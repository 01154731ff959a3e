#include "cli/desk/layout.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "cli/text.h"

namespace parley::cli::desk {
namespace {

constexpr char kBold[] = "1", kDim[] = "2", kReverse[] = "7", kCyan[] = "36", kRed[] = "31",
               kGreen[] = "32";
constexpr std::size_t kIndent = 7;  // below the first character after the time
constexpr std::size_t kNarrow = 60;
constexpr std::uint64_t kUnsent = std::numeric_limits<std::uint64_t>::max();

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> rows;
  for (;;) {
    const auto end = text.find('\n');
    rows.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return rows;
    text.remove_prefix(end + 1);
  }
}

/// The row that the bottom of the screen shows.
template <class Rows>
std::size_t bottom_of(const Rows& rows, const Talk& talk) {
  if (rows.empty()) return 0;
  if (!talk.anchor) return rows.size() - 1;
  std::size_t at = rows.size();
  while (at > 0 && rows[at - 1].seq > talk.anchor->seq) --at;
  if (at == 0) return 0;
  std::size_t below = talk.anchor->rows_below;
  --at;
  while (below > 0 && at > 0 && rows[at - 1].seq == rows[at].seq) --at, --below;
  return at;
}

}  // namespace

std::string fit(std::string_view text, std::size_t width) {
  const auto taken = columns(text);
  if (taken <= width) return std::string(text) + std::string(width - taken, ' ');
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto next = text.substr(0, first_code_point(text).bytes);
    if (column + columns(next) + 1 > width) break;
    column += columns(next);
    out += next;
    text.remove_prefix(next.size());
  }
  if (column < width) out += "…", ++column;
  return out + std::string(width - column, ' ');
}

std::string Layout::style(std::string_view code, std::string_view text) const {
  return colour_ && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text)
                                  : std::string(text);
}

std::size_t Layout::list_width(const Model& model) const {
  if (size_.columns < kNarrow)
    return model.focus() == Model::Focus::list || model.opened_id().empty() ? size_.columns : 0;
  return std::clamp<std::size_t>(size_.columns / 3, 20, 34);
}

std::size_t Layout::talk_width(const Model& model) const {
  const auto list = list_width(model);
  if (list == 0) return size_.columns;
  return size_.columns > list ? size_.columns - list - 1 : 0;
}

void Layout::add_said(std::vector<Row>& rows, std::uint64_t seq, std::int64_t time_ms,
                      std::string_view who, bool own, std::string_view text, std::string_view tick,
                      std::string_view tick_style, std::size_t width) const {
  const std::string indent(kIndent, ' ');
  const auto time = clock_time(time_ms);
  const auto prefix = fmt::format("{}  {}:", time, who);
  std::string body = fmt::format("{} {}", prefix, text);
  for (auto at = body.find('\n'); at != std::string::npos; at = body.find('\n', at + 1))
    body.insert(at + 1, indent);
  auto lines = split(wrap(body, width, kIndent));
  const auto last_columns = columns(lines.back());
  if (lines.front().starts_with(prefix))
    lines.front() = fmt::format("{}  {}{}", style(kDim, time),
                                style(own ? kCyan : kBold, fmt::format("{}:", who)),
                                lines.front().substr(prefix.size()));
  if (!tick.empty()) {
    if (last_columns + 2 + columns(tick) <= width)
      lines.back() += "  " + style(tick_style, tick);
    else
      for (const auto& more : split(wrap(indent + std::string(tick), width, kIndent)))
        lines.push_back(style(tick_style, more));
  }
  for (auto& line : lines) rows.push_back({seq, std::move(line)});
}

void Layout::add_message(std::vector<Row>& rows, const Model& model, const Talk& talk,
                         const Message& message) const {
  const auto width = talk_width(model);
  if (message.is_change) {
    const auto text = fmt::format("— {} {} —", message.who, message.text);
    for (const auto& line : split(wrap(text, width, 2)))
      rows.push_back({message.seq, style(kDim, line)});
    return;
  }
  const bool own = message.sender == model.self();
  const auto tick = own ? model.ticks(talk, message.seq) : std::string();
  add_said(rows, message.seq, message.time_ms, message.who, own, message.text, tick,
           tick.starts_with("✓✓ read") ? kCyan : kDim, width);
}

std::vector<Layout::Row> Layout::rows_of(const Model& model, const Talk& talk) const {
  std::vector<Row> rows;
  if (talk.loaded && !talk.more_before && talk.messages.empty() && talk.pending.empty())
    rows.push_back({0, style(kDim, "Nothing was said here yet.")});
  if (!talk.loaded) rows.push_back({0, style(kDim, "…")});
  std::string day;
  bool marked = !talk.new_after;
  for (const auto& [seq, message] : talk.messages) {
    if (auto next = date_time(message.time_ms).substr(0, 10); next != day) {
      rows.push_back({seq, style(kDim, fmt::format("— {} —", next))});
      day = std::move(next);
    }
    if (!marked && seq > *talk.new_after && message.sender != model.self()) {
      rows.push_back({seq, style(kBold, "— new messages —")});
      marked = true;
    }
    add_message(rows, model, talk, message);
  }
  if (talk.more_after) return rows;
  for (const auto& one : talk.pending)
    add_said(rows, kUnsent, one.time_ms, "you", true, one.text,
             one.refusal.empty() ? "…" : "✗ not sent: " + one.refusal,
             one.refusal.empty() ? kDim : kRed, talk_width(model));
  return rows;
}

void Layout::scroll(Model& model, int step) const {
  auto* talk = model.opened();
  if (!talk) return;
  const auto rows = rows_of(model, *talk);
  if (rows.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
  const auto least = std::min(static_cast<std::ptrdiff_t>(page()) - 1, last);
  const auto bottom =
      std::clamp(static_cast<std::ptrdiff_t>(bottom_of(rows, *talk)) - step, least, last);
  if (bottom == last && !talk->more_after) return talk->anchor.reset();
  const auto at = static_cast<std::size_t>(bottom);
  Anchor anchor{rows[at].seq, 0};
  for (std::size_t i = at + 1; i < rows.size() && rows[i].seq == anchor.seq; ++i)
    ++anchor.rows_below;
  talk->anchor = anchor;
}

void Layout::centre(Model& model, std::uint64_t seq) const {
  auto* talk = model.opened();
  if (!talk) return;
  talk->anchor = Anchor{seq, 0};
  scroll(model, -static_cast<int>(page() / 2));
}

bool Layout::wants_older(const Model& model) const {
  const auto* talk = model.opened();
  if (!talk || !talk->loaded || !talk->more_before) return false;
  return bottom_of(rows_of(model, *talk), *talk) < 2 * page();
}

bool Layout::wants_newer(const Model& model) const {
  const auto* talk = model.opened();
  if (!talk || !talk->loaded || !talk->more_after) return false;
  const auto rows = rows_of(model, *talk);
  return bottom_of(rows, *talk) + page() >= rows.size();
}

std::vector<std::string> Layout::draw_list(const Model& model, std::size_t width,
                                           std::size_t height) const {
  std::vector<std::string> rows;
  const auto list = model.listed();
  const bool choosing = model.focus() == Model::Focus::list;
  const auto& shown = choosing ? model.highlighted() : model.opened_id();
  const auto at = std::ranges::find(list, shown, &Talk::id);
  const std::size_t fits = std::max<std::size_t>(height / 2, 1);
  const auto index = at == list.end() ? 0 : static_cast<std::size_t>(at - list.begin());
  for (std::size_t i = index < fits ? 0 : index - fits + 1;
       i < list.size() && rows.size() + 2 <= height; ++i) {
    const auto& talk = *list[i];
    const auto count = talk.unread ? fmt::format(" ({}) ", talk.unread) : std::string(" ");
    const std::string_view mark = talk.id == model.opened_id() ? "▌"
                                  : model.is_online(talk.peer) ? "●"
                                                               : " ";
    const auto name = fit(" " + talk.title, width - 1 - columns(count));
    const bool bright = choosing && talk.id == model.highlighted();
    rows.push_back(
        style(model.is_online(talk.peer) ? kGreen : kCyan, mark) +
        (bright ? style(kReverse, name + count)
                : (talk.unread ? style(kBold, name) + style("1;36", count) : name + count)));
    rows.push_back(style(kDim, fit("   " + talk.last_line, width)));
  }
  if (list.empty())
    rows.push_back(style(
        kDim,
        fit(model.filter().empty() ? " /new NAME begins a talk" : " nothing like that", width)));
  rows.resize(height, std::string(width, ' '));
  return rows;
}

std::vector<std::string> Layout::draw_talk(const Model& model, std::size_t width,
                                           std::size_t height) const {
  std::vector<std::string> shown;
  if (const auto* talk = model.opened()) {
    const auto rows = rows_of(model, *talk);
    const auto end = rows.empty() ? 0 : bottom_of(rows, *talk) + 1;
    for (std::size_t i = end > height ? end - height : 0; i < end; ++i)
      shown.push_back(rows[i].text);
  } else {
    shown.push_back(style(kDim, fit("Tab: choose a conversation.  /new NAME: begin one.", width)));
    shown.push_back(style(kDim, fit("F1: what else there is.", width)));
  }
  if (shown.size() < height) shown.insert(shown.begin(), height - shown.size(), std::string());
  return shown;
}

std::string Layout::draw_head(const Model& model, std::size_t width, Time now) const {
  const auto* talk = model.opened();
  if (!talk) return style(kReverse, std::string(width, ' '));
  const auto about = model.about(*talk, now);
  return style(
      kReverse,
      fit(fmt::format(" {}{}{}", talk->title, about.empty() ? "" : "  ·  ", about), width));
}

std::string Layout::draw_foot(const Model& model) const {
  const auto width = size_.columns;
  if (!model.link.empty())
    return style(kRed, fit(fmt::format("not connected: {}; trying again", model.link), width));
  if (!model.note.empty()) return style(model.note_is_bad ? kRed : kBold, fit(model.note, width));
  if (model.focus() == Model::Focus::list)
    return style(kDim,
                 fit(model.filtering() ? "type to narrow   ↑ ↓ choose   Enter opens   Esc back"
                                       : "↑ ↓ choose   Enter opens   ^F or / find   Esc back",
                     width));
  const auto* talk = model.opened();
  if (talk && (talk->anchor || talk->more_after)) {
    const auto at = talk->anchor ? fmt::format("#{}", talk->anchor->seq) : std::string("earlier");
    return style(
        kDim,
        fit(fmt::format("at {} of {}   PgUp PgDn scroll   End or Esc: newest{}", at, talk->head,
                        talk->unread ? fmt::format("   ({} below)", talk->unread) : ""),
            width));
  }
  return style(kDim, fit("F1 help   Tab list   ^F find   ^N ^P next, previous   PgUp history   ^C "
                         "leaves",
                         width));
}

void Layout::draw_input(Frame& frame, const Model& model, const LineEditor& editor) const {
  std::string prompt = "> ";
  if (model.focus() == Model::Focus::question) prompt = model.question + " [y/n] ";
  if (model.focus() == Model::Focus::list) prompt = model.filtering() ? "find: " : std::string();
  if (columns(prompt) + 2 > size_.columns) prompt.clear();
  std::string before, after;
  if (model.focus() == Model::Focus::input || model.filtering()) {
    before = printable(editor.text().substr(0, editor.cursor()));
    after = printable(editor.text().substr(editor.cursor()));
  }
  std::ranges::replace(before, '\n', ' ');
  std::ranges::replace(after, '\n', ' ');
  const auto room = size_.columns - columns(prompt) - 1;
  std::string_view rest = before;
  while (columns(rest) > room) rest.remove_prefix(first_code_point(rest).bytes);
  frame.cursor_row = size_.rows - 2;
  frame.cursor_column = columns(prompt) + columns(rest);
  frame.rows.push_back(fit(fmt::format("{}{}{}", prompt, rest, after), size_.columns));
}

Frame Layout::draw(const Model& model, const LineEditor& editor, Time now) const {
  Frame frame;
  if (size_.rows < 6 || size_.columns < 24) {
    frame.rows.assign(size_.rows, std::string());
    frame.rows.front() = fit("too small", size_.columns);
    return frame;
  }
  if (model.focus() == Model::Focus::pager) {
    frame.rows.push_back(style(kReverse, fit(" " + model.pager_title, size_.columns)));
    for (std::size_t i = 0; i + 2 < size_.rows; ++i) {
      const auto at = model.pager_top + i;
      frame.rows.push_back(at < model.pager.size() ? fit(model.pager[at], size_.columns)
                                                   : std::string());
    }
    frame.rows.push_back(
        style(kDim, fit("↑ ↓ PgUp PgDn scroll   any other key: back", size_.columns)));
    frame.cursor_row = size_.rows - 1;
    frame.cursor_column = size_.columns - 1;
    return frame;
  }
  const auto list = list_width(model), talk = talk_width(model);
  const auto left = list ? draw_list(model, list, page()) : std::vector<std::string>();
  const auto right = talk ? draw_talk(model, talk, page()) : std::vector<std::string>();
  const auto unread = model.unread();
  const auto account =
      fit(fmt::format(" {}{}", model.account(), unread ? fmt::format("  ({})", unread) : ""), list);
  frame.rows.push_back((list ? style(kReverse, account) : "") +
                       (list && talk ? style(kReverse, "│") : "") +
                       (talk ? draw_head(model, talk, now) : ""));
  for (std::size_t i = 0; i < page(); ++i)
    frame.rows.push_back((list ? left[i] : "") + (list && talk ? style(kDim, "│") : "") +
                         (talk ? right[i] : ""));
  std::string rule;
  for (std::size_t i = 0; i < size_.columns; ++i) rule += list && talk && i == list ? "┴" : "─";
  frame.rows.push_back(style(kDim, rule));
  draw_input(frame, model, editor);
  frame.rows.push_back(draw_foot(model));
  return frame;
}

}  // namespace parley::cli::desk
