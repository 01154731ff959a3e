#include "domain/cursor.h"

#include <charconv>
#include <fmt/format.h>

namespace parley {

std::string Cursor::text() const { return fmt::format("{:016x}{:016x}", epoch, time.value); }

Result<Cursor> Cursor::parse(std::string_view text) {
  if (text.empty()) return Cursor{};
  const auto refuse = [] {
    return fail(Code::invalid_argument,
                "not a cursor of this server: give the one of backlog_end, or none", "cursor");
  };
  if (text.size() != 32) return refuse();
  std::uint64_t parts[2];
  for (int i = 0; i < 2; ++i) {
    const char* begin = text.data() + 16 * i;
    auto [end, error] = std::from_chars(begin, begin + 16, parts[i], 16);
    if (error != std::errc() || end != begin + 16) return refuse();
  }
  if (parts[1] >> 63) return refuse();
  return Cursor{parts[0], TimeMs(static_cast<std::int64_t>(parts[1]))};
}

}  // namespace parley
