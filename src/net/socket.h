#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace parley::net {

/// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// The one place where bytes pass a socket; `tls.h` encrypts on the way. Both answer like recv and
/// sendmsg.
inline ssize_t receive(int fd, char* data, std::size_t size) { return ::recv(fd, data, size, 0); }
inline ssize_t transmit(int fd, const iovec* parts, std::size_t count) {
  if (count == 1) return ::send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

/// The peer's IP address, IPv4 as ::ffff:a.b.c.d; all zero if it is gone already.
std::array<std::uint8_t, 16> peer_address(int fd);

/// Numeric, for people and logs: `192.0.2.7`, `2001:db8::1`.
std::string to_text(const std::array<std::uint8_t, 16>& address);

}  // namespace parley::net
