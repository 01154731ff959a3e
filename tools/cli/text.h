#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::cli {

/// What others wrote, made harmless for a terminal: control characters, bidirectional overrides and
/// broken UTF-8 become U+FFFD; a line feed stays, a tab becomes a space.
std::string printable(std::string_view text);

/// Columns that a line takes on a terminal, by the wcwidth of a UTF-8 locale; escape sequences for
/// colour count nothing.
std::size_t columns(std::string_view line);

/// Breaks lines at blanks so that none is wider than `width` columns; what goes on begins below the
/// text, after `indent` columns. A word wider than a line is cut.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

/// The code point at the front and its length in bytes (1 and U+FFFD where the bytes are not
/// UTF-8).
struct CodePoint {
  char32_t value;
  std::size_t bytes;
};
CodePoint first_code_point(std::string_view text);

/// Local time, `14:02`; with the date, `2026-03-01 14:02`.
std::string clock_time(std::int64_t unix_ms);
std::string date_time(std::int64_t unix_ms);
/// `14:02` today, else with the date.
std::string when(std::int64_t unix_ms);

/// `2026-03-01`, `2026-03-01 14:02[:30]` or `14:02` (today), local time, as milliseconds since
/// 1970.
std::optional<std::int64_t> parse_time(const std::string& text);

/// "1 message", "3 messages".
std::string counted(std::uint64_t n, std::string_view noun);

}  // namespace parley::cli
