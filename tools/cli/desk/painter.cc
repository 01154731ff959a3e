#include "cli/desk/painter.h"

#include <fmt/format.h>

namespace parley::cli::desk {

std::string Painter::enter() {
  forget();
  return "\033[?1049h\033[?7l";  // rows that are as wide as the screen must not wrap
}

std::string Painter::leave() const { return "\033[?7h\033[?1049l"; }

std::string Painter::paint(const Frame& frame) {
  std::string out;
  const bool whole = shown_.size() != frame.rows.size();
  if (whole) out += "\033[0m\033[2J";
  for (std::size_t i = 0; i < frame.rows.size(); ++i)
    if (whole || shown_[i] != frame.rows[i])
      out += fmt::format("\033[{};1H\033[2K{}", i + 1, frame.rows[i]);
  shown_ = frame.rows;
  return out + fmt::format("\033[{};{}H", frame.cursor_row + 1, frame.cursor_column + 1);
}

}  // namespace parley::cli::desk
