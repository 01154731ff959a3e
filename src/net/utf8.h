#pragma once
#include <cstdint>
#include <string_view>

namespace parley::net {

/// Checks a text that comes in pieces to be UTF-8 (RFC 3629: shortest form, no surrogates, up to
/// U+10FFFF), and fails at the first byte that no continuation could mend.
class Utf8Checker {
 public:
  /// False once the text cannot be UTF-8 any more; then the checker is of no further use.
  bool feed(std::string_view piece);
  /// Whether the text so far ends between two characters.
  bool complete() const { return missing_ == 0; }

 private:
  std::uint8_t missing_ = 0;  // continuation bytes that the current character still wants
  std::uint8_t low_ = 0x80;   // bounds of the next one
  std::uint8_t high_ = 0xBF;
};

inline bool is_utf8(std::string_view text) {
  Utf8Checker checker;
  return checker.feed(text) && checker.complete();
}

}  // namespace parley::net
