#include "domain/trace.h"

#include <fmt/format.h>
#include <optional>

#include "domain/text.h"

namespace parley {
namespace {

/// As RFC 9562 writes them: 8-4-4-4-12 hexadecimal digits.
std::optional<TraceId> uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  TraceId out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    out.high = out.high << 4 | out.low >> 60;
    out.low = out.low << 4 | static_cast<std::uint64_t>(digit);
  }
  return out == TraceId() ? std::nullopt : std::optional(out);
}

}  // namespace

TraceId trace_of(UserId sender, std::string_view client_message_id) {
  if (const auto id = uuid(client_message_id)) return *id;
  const auto text = fmt::format("{} {}", sender.value, client_message_id);
  return {hash_bytes(text) | 1, hash_bytes(text + "\n")};
}

std::string text_of(const TraceId& trace) {
  return fmt::format("{:016x}{:016x}", trace.high, trace.low);
}

}  // namespace parley
