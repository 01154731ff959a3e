#include "checker/send_id.h"

#include <charconv>
#include <fmt/format.h>

namespace parley::load {
namespace {
constexpr std::size_t kPrefix = 28;
constexpr std::size_t kLength = 36;
constexpr std::string_view kHex = "0123456789abcdef";
}  // namespace

SendIds::SendIds(std::int64_t unix_ms, std::uint64_t nonce, std::uint8_t process) {
  const auto ms = static_cast<std::uint64_t>(unix_ms);
  const std::uint64_t variant_and_nonce = 0x8000U | ((nonce >> 12U) & 0x3fffU);
  prefix_ =
      fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:02x}{:02x}", (ms >> 16U) & 0xffffffffU,
                  ms & 0xffffU, nonce & 0xfffU, variant_and_nonce, process, (nonce >> 26U) & 0xffU);
}

std::string SendIds::make(SendIndex index) const {
  std::string id(kLength, '0');
  prefix_.copy(id.data(), kPrefix);
  for (std::size_t i = 0; i < 8; ++i) id[kLength - 1 - i] = kHex[(index >> (4 * i)) & 0xfU];
  return id;
}

std::optional<SendIndex> SendIds::find(std::string_view id) const {
  if (id.size() != kLength || !id.starts_with(prefix_)) return std::nullopt;
  SendIndex index = 0;
  const auto [end, error] = std::from_chars(id.data() + kPrefix, id.data() + kLength, index, 16);
  if (error != std::errc{} || end != id.data() + kLength) return std::nullopt;
  return index;
}

}  // namespace parley::load
