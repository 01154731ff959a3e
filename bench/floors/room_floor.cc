// The least that posting into a room takes: one shared buffer (of MERGED posts), one send() for
// each member, and the next when one byte says that every member has it. Nobody else confirms.
//   room_floor serve MEMBERS BYTES MERGED SECONDS   `listening on PORT`, then JSON; ends by a
//   signal room_floor receive PORT MEMBERS BYTES MERGED    its members, on another core
#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

void check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

sockaddr_in local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int serve(std::size_t members, std::size_t bytes, std::size_t merged, double duration) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = local(0);
  socklen_t size = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  check(listen(listener, 4096) == 0, "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  std::printf("listening on %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  std::vector<int> all;
  while (all.size() < members) all.push_back(accept(listener, nullptr, nullptr));
  const std::string buffer(bytes * merged, 'x');
  char byte = 0;
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), start = seconds(CLOCK_MONOTONIC);
  double rounds = 0;
  for (; seconds(CLOCK_MONOTONIC) < start + duration; ++rounds) {
    for (const int fd : all)
      check(send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0, "send");
    check(recv(all.front(), &byte, 1, 0) == 1, "recv");
  }
  const double used = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  const double deliveries = rounds * static_cast<double>(members * merged);
  std::printf("{\"deliveries\":%.0f,\"cpu_seconds\":%.4f,\"per_core_second\":%.0f}\n", deliveries,
              used, deliveries / used);
  std::fflush(stdout);
  return pause();
}

int receive(int port, std::size_t members, std::size_t round_bytes) {
  const int set = epoll_create1(0);
  const sockaddr_in address = local(port);
  int first = -1;
  for (std::size_t i = 0; i < members; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    if (i == 0) first = fd;
  }
  std::array<epoll_event, 1024> events;
  std::array<char, 65536> buffer;
  for (std::size_t got = 0;;) {
    const int n = epoll_wait(set, events.data(), events.size(), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const ssize_t came = recv(fd, buffer.data(), buffer.size(), 0);
      if (came <= 0) return 0;  // the server has measured
      got += static_cast<std::size_t>(came);
    }
    if (got == members * round_bytes)
      check(send(first, "d", 1, MSG_NOSIGNAL) == 1, "send"), got = 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i) { return static_cast<std::size_t>(std::atoll(argv[i])); };
  if (argc != 6) return 2;
  if (argv[1][0] == 's') return serve(number(2), number(3), number(4), std::atof(argv[5]));
  return receive(std::atoi(argv[2]), number(3), number(4) * number(5));
}
