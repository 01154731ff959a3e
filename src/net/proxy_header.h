#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::net {

/// What a balancer says before the client's first byte: for whom it connects (the PROXY protocol,
/// versions 1 and 2, as HAProxy describes it).
struct ProxyHeader {
  enum class State { need_more, whole, wrong };
  /// Longest that is taken, with what version 2 may carry besides.
  static constexpr std::size_t kMaxSize = 2'048;

  State state = State::need_more;
  std::size_t size = 0;  // whole: of the header
  /// IPv4 as ::ffff:a.b.c.d; none: the balancer speaks for itself, or does not know for whom.
  std::optional<std::array<std::uint8_t, 16>> client;
};
/// Of the first bytes of a connection.
ProxyHeader read_proxy_header(std::string_view bytes);

/// IPv4 or IPv6, numeric; none: it is neither.
std::optional<std::array<std::uint8_t, 16>> read_address(const std::string& text);

/// Addresses and networks, as `192.0.2.7`, `10.0.0.0/8`, `fd00::/8`.
class Networks {
 public:
  /// The error is a sentence for a person.
  static Result<Networks> parse(const std::vector<std::string>& texts);
  bool contain(const std::array<std::uint8_t, 16>& address) const;
  bool empty() const { return all_.empty(); }

 private:
  struct Network {
    std::array<std::uint8_t, 16> address;
    unsigned bits;  // of 128
  };
  std::vector<Network> all_;
};

}  // namespace parley::net
