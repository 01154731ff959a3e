#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::load {

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

/// Appends the header of a client's frame: final, masked with a key of zeros, which section 5.3
/// permits and which leaves the payload as it is.
void append_client_header(std::string& out, Opcode opcode, std::size_t payload);

struct ServerFrameView {
  bool final = false;
  Opcode opcode{};
  std::string_view payload;
  std::size_t total = 0;  // bytes taken from the input
};

/// The first frame of the input; none if it is not all there. Throws std::runtime_error at what a
/// server must not send.
std::optional<ServerFrameView> parse_server_frame(std::string_view input);

/// The upgrade request, and whether an answer's head (through its empty line) accepts it.
std::string upgrade_request(std::string_view host, std::string_view path,
                            std::string_view subprotocol);
bool upgrade_accepted(std::string_view head, std::string_view subprotocol);

}  // namespace parley::load
