#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parley {

/// `127.0.0.1:7070`, `[::1]:7070`.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  std::string text() const;  // as it was parsed
};
/// Numeric. The error is a sentence for a person.
Result<HostPort> parse_address(std::string_view text);
/// The same of a server elsewhere, which may be named: `mysql.internal:3306`.
Result<HostPort> parse_remote_address(std::string_view text);

}  // namespace parley
