#include "ws_frame.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace parley::load {
namespace {

// The sample of RFC 6455 section 1.3: one key and its answer save us a SHA-1.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr std::uint64_t kLargest = 64U << 20U;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view header(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && lower(line.substr(0, colon)) == name) {
      line.remove_prefix(colon + 1);
      while (line.starts_with(' ')) line.remove_prefix(1);
      while (line.ends_with(' ')) line.remove_suffix(1);
      return line;
    }
    if (end == std::string_view::npos) break;
    head.remove_prefix(end + 2);
  }
  return {};
}

}  // namespace

void append_client_header(std::string& out, Opcode opcode, std::size_t payload) {
  constexpr unsigned kMasked = 0x80;
  out.push_back(static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  const auto append_length = [&](unsigned marker, int bytes) {
    out.push_back(static_cast<char>(kMasked | marker));
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(payload >> (8 * i)));
  };
  if (payload < 126)
    out.push_back(static_cast<char>(kMasked | payload));
  else if (payload < 65536)
    append_length(126, 2);
  else
    append_length(127, 8);
  out.append(4, '\0');
}

std::optional<ServerFrameView> parse_server_frame(std::string_view input) {
  if (input.size() < 2) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  if ((byte(0) & 0x70U) != 0) throw std::runtime_error("a frame with a reserved bit");
  if ((byte(1) & 0x80U) != 0) throw std::runtime_error("a masked frame from the server");
  std::uint64_t length = byte(1) & 0x7fU;
  std::size_t head = 2;
  if (length >= 126) {
    const std::size_t bytes = length == 126 ? 2 : 8;
    head += bytes;
    if (input.size() < head) return std::nullopt;
    length = 0;
    for (std::size_t i = 2; i < head; ++i) length = length << 8U | byte(i);
  }
  if (length > kLargest) throw std::runtime_error("a frame above 64 MiB");
  if (input.size() - head < length) return std::nullopt;
  return ServerFrameView{.final = (byte(0) & 0x80U) != 0,
                         .opcode = static_cast<Opcode>(byte(0) & 0x0fU),
                         .payload = input.substr(head, length),
                         .total = head + length};
}

std::string upgrade_request(std::string_view host, std::string_view path,
                            std::string_view subprotocol) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
      path, host, kKey, subprotocol);
}

bool upgrade_accepted(std::string_view head, std::string_view subprotocol) {
  return head.starts_with("HTTP/1.1 101 ") && header(head, "sec-websocket-accept") == kAccept &&
         header(head, "sec-websocket-protocol") == subprotocol;
}

}  // namespace parley::load
