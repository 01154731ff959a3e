#pragma once
#include <cstdint>
#include <string_view>

namespace parley::conversation_log {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, going on from `crc` (0: from the start).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

namespace detail {
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t crc);
}

}  // namespace parley::conversation_log
