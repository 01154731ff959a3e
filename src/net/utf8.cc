#include "net/utf8.h"

#include <cstring>

namespace parley::net {

bool Utf8Checker::feed(std::string_view piece) {
  const char* at = piece.data();
  const char* end = at + piece.size();
  while (at != end) {
    if (missing_ == 0) {
      while (end - at >= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        if (word & 0x8080808080808080ULL) break;
        at += 8;
      }
      if (at == end) return true;
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xBF;
      continue;
    }
    if (byte < 0x80) continue;
    // RFC 3629 section 4: the lead byte says how many follow, and narrows the first of them.
    if (byte < 0xC2 || byte > 0xF4) return false;
    missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    if (byte == 0xE0) low_ = 0xA0;
    if (byte == 0xED) high_ = 0x9F;
    if (byte == 0xF0) low_ = 0x90;
    if (byte == 0xF4) high_ = 0x8F;
  }
  return true;
}

}  // namespace parley::net
