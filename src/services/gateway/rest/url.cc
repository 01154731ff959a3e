#include "services/gateway/rest/url.h"

#include <charconv>

#include "domain/text.h"

namespace parley::gateway::rest {
namespace {

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    unsigned char byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

template <class F>
bool split(std::string_view text, char separator, F each) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (!each(text.substr(0, end))) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  Target out;
  const auto mark = std::min(target.find('?'), target.size());
  const bool path = split(target.substr(1, mark - 1), '/', [&](std::string_view segment) {
    auto decoded = decode(segment);
    if (decoded) out.path.push_back(std::move(*decoded));
    return decoded.has_value();
  });
  const auto query = target.substr(std::min(mark + 1, target.size()));
  const bool pairs = split(query, '&', [&](std::string_view pair) {
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return false;
    out.query.insert_or_assign(std::move(*name), std::move(*value));
    return true;
  });
  if (!path || !pairs) return std::nullopt;
  return out;
}

}  // namespace parley::gateway::rest
