#include "net/proxy_header.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>

namespace parley::net {
namespace {

using Address = std::array<std::uint8_t, 16>;
using State = ProxyHeader::State;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kMaxText = 107;  // with its end of line
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryHead = 16;

Address mapped(const void* v4) {
  Address out{};
  out[10] = out[11] = 0xFF;
  std::memcpy(out.data() + 12, v4, 4);
  return out;
}

bool begins_alike(std::string_view bytes, std::string_view with) {
  const auto size = std::min(bytes.size(), with.size());
  return bytes.substr(0, size) == with.substr(0, size);
}

ProxyHeader read_text(std::string_view bytes) {
  const auto end = bytes.substr(0, kMaxText).find("\r\n");
  if (end == bytes.npos) return {bytes.size() < kMaxText ? State::need_more : State::wrong, 0, {}};
  const auto line = bytes.substr(kText.size(), end - kText.size());
  if (line.starts_with("UNKNOWN")) return {State::whole, end + 2, {}};
  if (!line.starts_with("TCP4 ") && !line.starts_with("TCP6 ")) return {State::wrong, 0, {}};
  const auto rest = line.substr(5);
  const auto client = read_address(std::string(rest.substr(0, rest.find(' '))));
  if (!client) return {State::wrong, 0, {}};
  return {State::whole, end + 2, client};
}

ProxyHeader read_binary(std::string_view bytes) {
  if (bytes.size() < kBinaryHead) return {};
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::size_t size = kBinaryHead + (std::size_t{at(14)} << 8 | at(15));
  const auto command = at(12);
  if ((command != 0x20 && command != 0x21) || size > ProxyHeader::kMaxSize)
    return {State::wrong, 0, {}};
  if (bytes.size() < size) return {};
  if (command == 0x20) return {State::whole, size, {}};  // LOCAL: a health check
  const auto addresses = bytes.substr(kBinaryHead, size - kBinaryHead);
  const auto family = at(13) >> 4;
  if (family == 1 && addresses.size() >= 12) return {State::whole, size, mapped(addresses.data())};
  if (family == 2 && addresses.size() >= 36) {
    Address v6;
    std::memcpy(v6.data(), addresses.data(), v6.size());
    return {State::whole, size, v6};
  }
  if (family == 1 || family == 2) return {State::wrong, 0, {}};
  return {State::whole, size, {}};
}

}  // namespace

std::optional<Address> read_address(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return mapped(&v4);
  Address v6{};
  if (::inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) return v6;
  return {};
}

ProxyHeader read_proxy_header(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto begin = bytes.front() == kText.front() ? kText : kBinary;
  if (!begins_alike(bytes, begin)) return {State::wrong, 0, {}};
  if (bytes.size() < begin.size()) return {};
  return begin == kText ? read_text(bytes) : read_binary(bytes);
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
  Networks out;
  for (const auto& text : texts) {
    const auto slash = text.find('/');
    const auto address = read_address(text.substr(0, slash));
    const bool v4 = text.find(':') == text.npos;
    unsigned bits = v4 ? 32 : 128;
    const unsigned most = bits;
    bool good = address.has_value();
    if (slash != text.npos) {
      const auto* end = text.data() + text.size();
      const auto [at, error] = std::from_chars(text.data() + slash + 1, end, bits);
      good = good && error == std::errc() && at == end && bits <= most;
    }
    if (!good)
      return fail(Code::invalid_argument,
                  fmt::format("'{}' is no address or network: write for instance 192.0.2.7, "
                              "10.0.0.0/8 or fd00::/8",
                              text));
    out.all_.push_back({*address, v4 ? bits + 96 : bits});
  }
  return out;
}

bool Networks::contain(const Address& address) const {
  return std::ranges::any_of(all_, [&](const Network& network) {
    const auto whole = network.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.address.begin()))
      return false;
    const auto rest = network.bits % 8;
    return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8 - rest)) == 0;
  });
}

}  // namespace parley::net
