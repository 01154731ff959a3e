#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace parley::auth {

/// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);
/// Strict: no padding, no white space, no unused bits set.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace parley::auth
