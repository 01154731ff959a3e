#include "domain/uuid.h"

namespace parley {
namespace {
constexpr std::size_t kText = 36, kVersionAt = 14;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }
}  // namespace

std::optional<Uuid> uuid_v7(std::string_view text) {
  if (text.size() != kText || text[kVersionAt] != '7') return std::nullopt;
  Uuid out;
  for (std::size_t i = 0; i < kText; ++i) {
    if (is_dash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto value = digit(text[i]);
    if (value < 0) return std::nullopt;
    out.high = out.high << 4 | out.low >> 60;
    out.low = out.low << 4 | static_cast<std::uint64_t>(value);
  }
  return out;
}

}  // namespace parley
