#pragma once
#include <cstdint>
#include <string>

namespace parley::client {

/// A new UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds since 1970, then random
/// bits from the system. Used as `client_message_id`. Any thread.
std::string new_uuid_v7();

/// The same with its parts given; `random` is used but for the 6 bits of version and variant.
std::string uuid_v7(std::uint64_t unix_ms, std::uint64_t random_high, std::uint64_t random_low);

}  // namespace parley::client
