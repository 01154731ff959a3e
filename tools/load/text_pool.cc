#include "text_pool.h"

#include <algorithm>

#include "checker/hash.h"

namespace parley::load {
namespace {
constexpr std::size_t kOffsets = 64 * 1024;
constexpr std::string_view kDigits = "0123456789abcdef";
}  // namespace

TextPool::TextPool(std::uint64_t seed, std::size_t bytes)
    : bytes_(bytes), pool_(kOffsets + bytes, ' ') {
  for (std::size_t i = 0; i < pool_.size(); ++i)
    pool_[i] = static_cast<char>(' ' + mix(seed, i) % 95);
}

void TextPool::make(SendIndex send, std::string& text) const {
  text.assign(pool_, mix(send, bytes_) % kOffsets, bytes_);
  const std::size_t digits = std::min<std::size_t>(8, bytes_);
  for (std::size_t i = 0; i < digits; ++i) text[i] = kDigits[(send >> (4 * i)) & 0xfU];
}

}  // namespace parley::load
