#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace parley::net {

static_assert(std::endian::native == std::endian::little, "mask keys are kept as loaded");

/// RFC 6455 section 5.3, in place. `key` is the four bytes of the frame as loaded from memory; the
/// answer is the key for the byte that follows, so that a payload may come in pieces.
inline std::uint32_t unmask(char* data, std::size_t size, std::uint32_t key) {
  const std::uint64_t wide = (std::uint64_t{key} << 32) | key;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, data + i, 8);
    word ^= wide;
    std::memcpy(data + i, &word, 8);
  }
  for (; i < size; ++i) data[i] ^= static_cast<char>(key >> (8 * (i & 3)));
  return std::rotr(key, static_cast<int>(8 * (size & 3)));
}

}  // namespace parley::net
