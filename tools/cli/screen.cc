#include "cli/screen.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "cli/text.h"

namespace parley::cli {

std::size_t Screen::append(std::string line) {
  touch(lines_.size());
  lines_.push_back(std::move(line));
  return lines_.size() - 1;
}

void Screen::replace(std::size_t index, std::string line) {
  if (lines_[index] == line) return;
  touch(index);
  lines_[index] = std::move(line);
}

void Screen::set_tail(std::vector<std::string> tail) {
  if (tail == tail_) return;
  touch(lines_.size());
  tail_ = std::move(tail);
}

void Screen::set_input(std::string prompt, std::string text, std::size_t cursor) {
  prompt_ = std::move(prompt);
  text_ = std::move(text);
  cursor_ = cursor;
}

void Screen::resize(Size size) {
  size_ = size;
  repaint_all_ = true;
}

std::size_t Screen::height(const std::string& line) const {
  const auto rows = wrapped(line);
  return static_cast<std::size_t>(std::ranges::count(rows, '\n')) + 1;
}

std::string Screen::wrapped(const std::string& line) const {
  return wrap(line, size_.columns, indent_);
}

/// One row: of a long text, the part around the cursor.
std::string Screen::input_row() const {
  std::string text = text_;
  std::ranges::replace(text, '\n', ' ');
  const auto room = size_.columns > columns(prompt_) + 1 ? size_.columns - columns(prompt_) - 1 : 1;
  std::string_view before = std::string_view(text).substr(0, cursor_);
  while (columns(before) > room) before.remove_prefix(first_code_point(before).bytes);
  std::string_view rest = std::string_view(text).substr(cursor_);
  std::string shown(before);
  while (!rest.empty()) {
    const auto next = rest.substr(0, first_code_point(rest).bytes);
    if (columns(shown) + columns(next) > room) break;
    shown += next;
    rest.remove_prefix(next.size());
  }
  return fmt::format("\r\033[K{}{}\r\033[{}C", prompt_, shown, columns(prompt_) + columns(before));
}

std::string Screen::paint() {
  std::string out;
  std::size_t from = std::min(dirty_, painted_.size());
  if (repaint_all_) {
    out += "\033[H\033[2J";
    painted_.clear();
    // As many of the last lines as fit above the input.
    std::size_t rows = 0;
    from = count();
    while (from > 0 && rows + height(line(from - 1)) < size_.rows) rows += height(line(--from));
    painted_.assign(from, 0);
  } else if (from < painted_.size()) {
    // What has scrolled off cannot be reached: begin at the first line that can.
    auto up = std::accumulate(painted_.begin() + static_cast<std::ptrdiff_t>(from), painted_.end(),
                              std::size_t{0});
    while (up > size_.rows - 1 && from < painted_.size()) up -= painted_[from++];
    out += up ? fmt::format("\r\033[{}A\033[J", up) : "\r\033[J";
    painted_.resize(from);
  }
  if (from < count()) out += "\r\033[J";
  for (std::size_t i = from; i < count(); ++i) {
    const auto rows = wrapped(line(i));
    for (const char c : rows)
      if (c == '\n')
        out += "\r\n";
      else
        out += c;
    out += "\r\n";
    painted_.push_back(height(line(i)));
  }
  dirty_ = count();
  repaint_all_ = false;
  return out + input_row();
}

std::string Screen::leave() {
  set_tail({});
  set_input({}, {}, 0);
  return paint() + "\r\033[K";
}

}  // namespace parley::cli
