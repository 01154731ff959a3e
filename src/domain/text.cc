#include "domain/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace parley {

bool is_utf8(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = at + bytes.size();
  const auto tail = [&](int n) {
    for (; n > 0; --n, ++at)
      if (at == end || (*at & 0xC0) != 0x80) return false;
    return true;
  };
  while (at != end) {
    const unsigned char lead = *at++;
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4 || at == end) return false;
    const unsigned char second = *at;
    if (lead == 0xE0 && second < 0xA0) return false;
    if (lead == 0xED && second > 0x9F) return false;
    if (lead == 0xF0 && second < 0x90) return false;
    if (lead == 0xF4 && second > 0x8F) return false;
    if (!tail(lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3)) return false;
  }
  return true;
}

Result<std::string> fold_user_name(std::string_view name) {
  std::string folded(name);
  for (char& c : folded)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const bool known = std::ranges::all_of(folded, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
  if (folded.size() < 3 || folded.size() > 32 || !known)
    return fail(Code::invalid_argument, "a user name has 3 to 32 of the characters a-z 0-9 _ .",
                "name");
  return folded;
}

Result<void> check_label(std::string_view text, std::size_t max_bytes, std::string field) {
  if (text.size() > max_bytes)
    return fail(Code::invalid_argument, fmt::format("{} has at most {} bytes", field, max_bytes),
                field);
  const bool control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (control || !is_utf8(text))
    return fail(Code::invalid_argument, field + " is UTF-8 without control characters", field);
  return {};
}

Result<void> check_client_message_id(std::string_view id) {
  const bool printable = std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7F; });
  if (id.empty() || id.size() > Limits().client_message_id_bytes || !printable)
    return fail(Code::invalid_argument,
                "client_message_id is 1 to 64 printable ASCII characters: use a UUID",
                "client_message_id");
  return {};
}

std::uint64_t hash_bytes(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace parley
