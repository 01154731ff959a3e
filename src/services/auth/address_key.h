#pragma once
#include <string>
#include <string_view>

namespace parley::auth {

/// The key of an address: itself, or the /64 network of an IPv6 address, of which a guest has as
/// many addresses as it likes.
std::string address_key(std::string_view remote_address);

}  // namespace parley::auth
