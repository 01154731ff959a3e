#include "net/testing/client.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/time.h>

#include "net/mask.h"

namespace parley::net::testing {

std::string client_frame(Opcode opcode, std::string_view payload, bool fin, std::string_view key) {
  std::string frame(encode_frame(opcode, payload).view());
  if (!fin) frame[0] = static_cast<char>(opcode);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  const auto header = frame.size() - payload.size();
  frame.insert(header, key);
  std::uint32_t mask;
  std::memcpy(&mask, key.data(), 4);
  unmask(frame.data() + header + 4, payload.size(), mask);
  return frame;
}

std::uint16_t Frame::close_code() const {
  if (opcode != Opcode::close || payload.size() < 2) return 0;
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                    static_cast<std::uint8_t>(payload[1]));
}

Client::Client(std::uint16_t port, int receive_buffer)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval deadline{30, 0};
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer)
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

bool Client::try_write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void Client::write(std::string_view bytes) {
  if (!try_write(bytes)) throw std::runtime_error("the connection takes no bytes");
}

/// False at the end of the stream, also where it was reset.
bool Client::fill() {
  char piece[65536];
  const auto size = ::recv(socket_.get(), piece, sizeof piece, 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("nothing came for 30 s");
  if (size <= 0) return false;
  buffered_.append(piece, static_cast<std::size_t>(size));
  return true;
}

std::string Client::read(std::size_t size) {
  while (buffered_.size() < size)
    if (!fill()) throw std::runtime_error("the connection ended early");
  auto out = buffered_.substr(0, size);
  buffered_.erase(0, size);
  return out;
}

std::string Client::read_to_end() {
  while (fill()) {
  }
  return std::exchange(buffered_, {});
}

std::string Client::read_head() {
  std::size_t end;
  while ((end = buffered_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) throw std::runtime_error("the connection ended within a header");
  return read(end + 4);
}

std::string Client::read_response() {
  auto head = read_head();
  const auto length = head.find("Content-Length: ");
  if (length == std::string::npos) return head;
  return head + read(std::strtoul(head.c_str() + length + 16, nullptr, 10));
}

Frame Client::read_frame() {
  const auto head = read(2);
  std::size_t size = static_cast<std::uint8_t>(head[1]);
  if (size >= 126) {
    const auto length = read(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8 | static_cast<std::uint8_t>(c);
  }
  return {static_cast<Opcode>(head[0] & 0x0F), read(size)};
}

bool Client::at_end() { return buffered_.empty() && !fill(); }

std::string upgrade_request(std::string_view subprotocol) {
  std::string request =
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (!subprotocol.empty()) ((request += "Sec-WebSocket-Protocol: ") += subprotocol) += "\r\n";
  return request += "\r\n";
}

void Client::upgrade(std::string_view subprotocol, std::string_view more) {
  write(upgrade_request(subprotocol).append(more));
  const auto head = read_head();
  if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("no upgrade: " + head);
}

void Client::half_close() { ::shutdown(socket_.get(), SHUT_WR); }

}  // namespace parley::net::testing
