#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "net/frame.h"
#include "net/socket.h"

namespace parley::net::testing {

/// A client's frame, masked. `fin` false: to be continued.
std::string client_frame(Opcode opcode, std::string_view payload, bool fin = true,
                         std::string_view key = "\x37\xfa\x21\x3d");

struct Frame {
  Opcode opcode{};
  std::string payload;
  std::uint16_t close_code() const;  // 0: not a close frame with a code
};

/// A blocking client on loopback. Whatever it waits for, it waits 30 s at most, then throws.
class Client {
 public:
  /// `receive_buffer` in bytes, 0: the system's choice. A small one makes a slow reader quickly.
  explicit Client(std::uint16_t port, int receive_buffer = 0);

  void write(std::string_view bytes);
  /// False where the peer has cut the connection.
  bool try_write(std::string_view bytes);
  std::string read(std::size_t size);
  std::string read_to_end();
  /// Up to and with the empty line.
  std::string read_head();
  /// Head and body (by Content-Length).
  std::string read_response();
  Frame read_frame();
  bool at_end();

  /// Performs the handshake; `more` is sent in the same write.
  void upgrade(std::string_view subprotocol = {}, std::string_view more = {});
  void cut() { socket_.reset(); }
  void half_close();

 private:
  bool fill();

  UniqueFd socket_;
  std::string buffered_;
};

std::string upgrade_request(std::string_view subprotocol = {});

}  // namespace parley::net::testing
