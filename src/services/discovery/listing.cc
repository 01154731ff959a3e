#include "services/discovery/listing.h"

#include <charconv>
#include <fmt/format.h>

namespace parley::discovery {
namespace {

bool read(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// False: the value is none of that name.
bool read(std::string_view name, std::string_view value, GatewayRow& row) {
  if (name == "url") {
    row.url = value;
  } else if (name == "admin") {
    row.admin = value;
  } else if (name == "zone") {
    row.zone = value;
  } else if (name == "at") {
    row.at = parse_coordinates(value);
    return row.at.has_value();
  } else if (name == "capacity") {
    return read(value, row.capacity);
  } else if (name == "load") {
    return read(value, row.load);
  } else if (name == "state") {
    row.ready = value == "open";
    row.draining = value == "draining";
    return row.ready || row.draining || value == "not_ready";
  }
  return true;
}

}  // namespace

std::string to_attributes(const GatewayRow& row) {
  auto out = fmt::format("url={}\n", row.url);
  if (!row.zone.empty()) out += fmt::format("zone={}\n", row.zone);
  if (row.at) out += fmt::format("at={}\n", text_of(*row.at));
  const auto* state = row.draining ? "draining" : row.ready ? "open" : "not_ready";
  if (!row.admin.empty()) out += fmt::format("admin={}\n", row.admin);
  return out + fmt::format("capacity={}\nload={}\nstate={}\n", row.capacity, row.load, state);
}

Result<GatewayRow> from_attributes(std::string_view attributes) {
  GatewayRow row;
  while (!attributes.empty()) {
    const auto end = std::min(attributes.find('\n'), attributes.size());
    const auto line = attributes.substr(0, end);
    attributes.remove_prefix(std::min(end + 1, attributes.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos ||
        !read(line.substr(0, equals), line.substr(equals + 1), row))
      return fail(Code::malformed, fmt::format("\"{}\" says nothing about a gateway", line));
  }
  if (row.url.empty() || row.capacity == 0)
    return fail(Code::malformed, "a gateway needs a url and a capacity");
  return row;
}

}  // namespace parley::discovery
