#include "connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace parley::load {
namespace {

constexpr std::string_view kPath = "/v1/ws";
constexpr std::string_view kSubprotocol = "parley.v1.pb";
constexpr int kAbnormal = 1006;  // RFC 6455 section 7.4.1: closed without a close frame

// Connections are served one at a time, so all share one buffer.
std::array<char, 256 * 1024> shared_buffer;

}  // namespace

void Connection::open(std::size_t number) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (target_.sources > 1) {
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(number % target_.sources));
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0)
      throw std::system_error(errno, std::generic_category(), "bind to a loopback address");
  }
  if (target_.tls) tls_ = std::make_unique<TlsLink>(*target_.tls, fd_);
  state_ = State::connecting;
  blocked_ = true;
  out_ = upgrade_request(target_.host, kPath, kSubprotocol);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&target_.address), sizeof target_.address) !=
          0 &&
      errno != EINPROGRESS) {
    // Reported by the loop, as every other failure is.
  }
  loop_.add(fd_, EPOLLIN | EPOLLOUT, this);
}

void Connection::send(std::string_view payload) { queue(Opcode::binary, payload); }

void Connection::queue(Opcode opcode, std::string_view payload) {
  append_client_header(out_, opcode, payload.size());
  out_.append(payload);
  want_turn_end();
}

void Connection::close() {
  if (state_ != State::open) return drop();
  queue(Opcode::close, std::string_view("\x03\xe8", 2));
  state_ = State::closing;
}

void Connection::drop() {
  if (fd_ < 0) return;
  loop_.remove(fd_, this);
  tls_.reset();
  ::close(fd_);
  fd_ = -1;
  state_ = State::idle;
  ending_ = blocked_ = false;
  out_.clear();
  tail_.clear();
  message_.clear();
}

void Connection::fail(int code, std::string_view reason) {
  const std::string kept(reason);
  drop();
  listener_.on_closed(code, kept);
}

void Connection::want_turn_end() {
  if (std::exchange(ending_, true)) return;
  loop_.at_end_of_turn(this);
}

void Connection::turn_ends() {
  ending_ = false;
  if (!blocked_) flush();
}

void Connection::flush() {
  while (!out_.empty()) {
    const ssize_t n = tls_ ? tls_->send(out_) : ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) return;  // reading will tell
      break;
    }
    if (static_cast<std::size_t>(n) == out_.size())
      out_.clear();
    else
      out_.erase(0, static_cast<std::size_t>(n));
  }
  const bool blocked = !out_.empty() && !(tls_ && tls_->waits_to_read());
  if (blocked != std::exchange(blocked_, blocked))
    loop_.change(fd_, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, this);
}

void Connection::ready(std::uint32_t events) {
  if (state_ == State::connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(kAbnormal, std::strerror(error));
    state_ = State::upgrading;
  }
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
}

void Connection::read() {
  const ssize_t n = tls_ ? tls_->receive(shared_buffer)
                         : recv(fd_, shared_buffer.data(), shared_buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (tls_ && !blocked_) flush();  // it may have waited for the handshake
    return;
  }
  if (n <= 0) {
    if (n == 0) return fail(kAbnormal, "end of stream");
    const std::string why = tls_ ? tls_->why() : std::strerror(errno);
    return fail(kAbnormal, why);
  }
  const std::string_view fresh(shared_buffer.data(), static_cast<std::size_t>(n));
  try {
    if (tail_.empty()) {
      const std::size_t taken = take(fresh);
      if (fd_ >= 0) tail_.assign(fresh.substr(taken));
    } else {
      // Frames are views of the input, and handling one may drop the connection.
      std::string input = std::exchange(tail_, {});
      input.append(fresh);
      const std::size_t taken = take(input);
      if (fd_ >= 0) tail_ = input.erase(0, taken);
    }
  } catch (const std::runtime_error& error) {
    fail(1002, error.what());
  }
}

std::size_t Connection::take(std::string_view input) {
  std::size_t taken = 0;
  if (state_ == State::upgrading) {
    const std::size_t end = input.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    taken = end + 4;
    if (!upgrade_accepted(input.substr(0, taken), kSubprotocol)) {
      fail(kAbnormal, input.substr(0, input.find("\r\n")));
      return 0;
    }
    state_ = State::open;
    listener_.on_open();
  }
  while (fd_ >= 0) {
    const auto frame = parse_server_frame(input.substr(taken));
    if (!frame) break;
    taken += frame->total;
    take_frame(*frame);
  }
  return taken;
}

void Connection::take_frame(const ServerFrameView& frame) {
  switch (frame.opcode) {
    case Opcode::binary:
    case Opcode::continuation:
      if (frame.final && message_.empty()) return listener_.on_message(frame.payload);
      message_.append(frame.payload);
      if (frame.final) listener_.on_message(std::exchange(message_, {}));
      return;
    case Opcode::ping:
      return queue(Opcode::pong, frame.payload);
    case Opcode::pong:
      return;
    case Opcode::close: {
      int code = kAbnormal - 1;  // 1005: a close frame without a code
      if (frame.payload.size() >= 2)
        code = static_cast<unsigned char>(frame.payload[0]) << 8 |
               static_cast<unsigned char>(frame.payload[1]);
      return fail(code, frame.payload.size() > 2 ? frame.payload.substr(2) : "");
    }
    case Opcode::text:
      break;
  }
  throw std::runtime_error("a frame of an unexpected kind");
}

}  // namespace parley::load
