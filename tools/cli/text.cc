#include "cli/text.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <wchar.h>

namespace parley::cli {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

/// Moves the cursor, rings, hides or reorders what is around it.
bool is_harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

std::tm local(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts;
}

std::string format_time(std::int64_t unix_ms, const char* format) {
  const auto parts = local(unix_ms);
  char buffer[64];
  return {buffer, std::strftime(buffer, sizeof buffer, format, &parts)};
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0xfffd, 1};
  char32_t value = lead & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {0xfffd, 1};
    value = value << 6 | (at(i) & 0x3f);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {0xfffd, 1};
  return {value, length};
}

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const auto [value, bytes] = first_code_point(text);
    if (value == '\n')
      safe += '\n';
    else if (value == '\t')
      safe += ' ';
    else if (is_harmful(value) || value == 0xfffd)
      safe += kReplacement;
    else
      safe += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return safe;
}

std::size_t columns(std::string_view line) {
  std::size_t total = 0;
  while (!line.empty()) {
    if (line.starts_with("\033[")) {
      const auto end = line.find('m');
      line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
      continue;
    }
    const auto [value, bytes] = first_code_point(line);
    const int width = ::wcwidth(static_cast<wchar_t>(value));
    total += static_cast<std::size_t>(std::max(width, 0));
    line.remove_prefix(bytes);
  }
  return total;
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  if (width < 2 * indent) indent = 0;
  const std::string next_row = "\n" + std::string(indent, ' ');
  std::string out;
  std::size_t column = 0;
  std::optional<std::size_t> blank;  // in `out`: where the row can be broken
  std::size_t after_blank = 0;       // the column that follows it
  while (!text.empty()) {
    const auto escape = text.starts_with("\033[") ? text.find('m') : std::string_view::npos;
    const auto bytes = escape != std::string_view::npos ? escape + 1 : first_code_point(text).bytes;
    const auto piece = text.substr(0, bytes);
    text.remove_prefix(bytes);
    const auto taken = columns(piece);
    if (column + taken > width && piece != " " && blank) {
      out.replace(*blank, 1, next_row);
      column = indent + column - after_blank;
      blank.reset();
    } else if (column + taken > width) {
      out += next_row;
      column = indent;
      if (piece == " ") continue;
    }
    if (piece == " " && column > indent) {
      blank = out.size();
      after_blank = column + 1;
    }
    out += piece;
    column += taken;
    if (piece == "\n") {
      column = 0;
      blank.reset();
    }
  }
  return out;
}

std::string clock_time(std::int64_t unix_ms) { return format_time(unix_ms, "%H:%M"); }
std::string date_time(std::int64_t unix_ms) { return format_time(unix_ms, "%Y-%m-%d %H:%M"); }

std::string when(std::int64_t unix_ms) {
  const auto now = local(static_cast<std::int64_t>(std::time(nullptr)) * 1000);
  const auto then = local(unix_ms);
  const bool today = now.tm_year == then.tm_year && now.tm_yday == then.tm_yday;
  return today ? clock_time(unix_ms) : date_time(unix_ms);
}

std::optional<std::int64_t> parse_time(const std::string& text) {
  for (const char* format :
       {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"}) {
    auto parts = local(static_cast<std::int64_t>(std::time(nullptr)) * 1000);
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    const char* end = ::strptime(text.c_str(), format, &parts);
    if (!end || *end) continue;
    parts.tm_isdst = -1;
    return static_cast<std::int64_t>(std::mktime(&parts)) * 1000;
  }
  return std::nullopt;
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace parley::cli
