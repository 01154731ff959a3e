#include "base/host_port.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <fmt/format.h>

namespace parley {

std::string HostPort::text() const {
  const bool v6 = host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Result<HostPort> parse_address(std::string_view text) {
  auto parsed = parse_remote_address(text);
  boost::system::error_code bad_host;
  if (parsed) boost::asio::ip::make_address(parsed->host, bad_host);
  if (parsed && !bad_host) return parsed;
  return fail(
      Code::invalid_argument,
      fmt::format("{} is not ADDRESS:PORT: write for instance 127.0.0.1:7070 or [::1]:7070", text));
}

Result<HostPort> parse_remote_address(std::string_view text) {
  const auto refuse = [&] {
    return fail(Code::invalid_argument,
                fmt::format("{} is not HOST:PORT: write for instance db.example.org:3306", text));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  auto host = text.substr(0, colon);
  const auto port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc() || end != port_text.data() + port_text.size() || port > 65535 ||
      host.empty())
    return refuse();
  return HostPort{std::string(host), static_cast<std::uint16_t>(port)};
}

}  // namespace parley
