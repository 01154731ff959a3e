// The least that a server can do: an epoll loop that returns every byte. Prints `listening on
// 127.0.0.1:PORT`; ends by a signal.
#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

void check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

void watch(int set, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

}  // namespace

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  check(listen(listener, 4096) == 0, "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  const int set = epoll_create1(0);
  watch(set, listener);
  std::array<epoll_event, 256> events;
  std::array<char, 65536> buffer;
  for (;;) {
    const int n = epoll_wait(set, events.data(), events.size(), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int peer = accept(listener, nullptr, nullptr);
        const int on = 1;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(set, peer);
        continue;
      }
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      // Blocking: a client that does not read is not part of the measurement.
      if (got <= 0 || send(fd, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
        close(fd);
    }
  }
}
