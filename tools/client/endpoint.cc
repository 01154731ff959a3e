#include "client/endpoint.h"

#include <algorithm>
#include <fmt/format.h>

namespace parley::client {

std::string Endpoint::text() const { return (tls ? "https://" : "") + authority(); }

std::string Endpoint::authority() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Outcome<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return failed(fmt::format("--server \"{}\": {}; give it as host:port, like {}", text, why,
                              kDefaultServer));
  };
  std::string_view rest = text;
  const bool tls = rest.starts_with("https://");
  if (tls) rest.remove_prefix(8);
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  Endpoint endpoint{.host = {}, .port = tls ? "443" : "7070", .tls = tls};
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return wrong("the bracket is not closed");
    endpoint.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    endpoint.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(endpoint.host.size());
  }
  if (endpoint.host.empty()) return wrong("there is no host");
  if (rest.empty()) return endpoint;
  rest.remove_prefix(1);
  if (rest.empty() || rest.size() > 5 ||
      !std::ranges::all_of(rest, [](char c) { return c >= '0' && c <= '9'; }))
    return wrong("the port is not a number");
  endpoint.port = rest;
  return endpoint;
}

}  // namespace parley::client
