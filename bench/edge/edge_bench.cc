// What the edge alone costs: starts an echo server pinned to core 0, loads it from core 1, and
// prints rows of name, value, unit. usage: edge_bench PATH_OF_ECHO_SERVER [IDLE_SECONDS]
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

struct Server {
  pid_t pid;
  std::uint16_t port;

  explicit Server(const char* program) {
    int out[2];
    if (::pipe(out) != 0) die("pipe");
    pid = ::fork();
    if (pid == 0) {
      pin(0);
      ::dup2(out[1], 1);
      ::close(out[0]);
      ::execl(program, program, nullptr);
      die(program);
    }
    ::close(out[1]);
    char line[100] = {};
    if (::read(out[0], line, sizeof line - 1) <= 0) die("the echo server did not start");
    port = static_cast<std::uint16_t>(std::atoi(std::strrchr(line, ':') + 1));
  }
  ~Server() {
    ::kill(pid, SIGTERM);
    ::waitpid(pid, nullptr, 0);
  }

  double cpu_seconds() const {
    std::ifstream in("/proc/" + std::to_string(pid) + "/schedstat");
    double nanoseconds = 0;
    in >> nanoseconds;
    return nanoseconds / 1e9;
  }
  double pss_bytes() const {
    std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
    std::string word;
    double kilobytes = 0;
    while (in >> word)
      if (word == "Pss:") in >> kilobytes;
    return kilobytes * 1024;
  }
};

constexpr char kUpgrade[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

class Clients {
 public:
  explicit Clients(std::uint16_t port) : epoll_(::epoll_create1(0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Clients() {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }

  void start_one() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0) die("connect");
    send(fd, {kUpgrade, sizeof kUpgrade - 1});
    epoll_event event{EPOLLIN, {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    fds_.push_back(fd);
  }
  void open(std::size_t count, std::size_t at_once = 128) {
    const auto goal = fds_.size() + count;
    std::size_t answered = fds_.size();
    while (answered < goal) {
      while (fds_.size() < goal && fds_.size() - answered < at_once) start_one();
      poll(1000, [&](int, std::string_view) { ++answered; });
    }
  }
  void send(int fd, std::string_view bytes) {
    if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) die("send");
  }
  template <class F>
  void poll(int milliseconds, F on_data) {
    epoll_event events[256];
    const int count = ::epoll_wait(epoll_, events, 256, milliseconds);
    for (int i = 0; i < count; ++i) {
      const auto size = ::recv(events[i].data.fd, buffer_, sizeof buffer_, 0);
      if (size <= 0) die("the server closed a connection");
      on_data(events[i].data.fd, std::string_view(buffer_, static_cast<std::size_t>(size)));
    }
  }
  const std::vector<int>& fds() const { return fds_; }

 private:
  int epoll_;
  sockaddr_in address_{};
  std::vector<int> fds_;
  char buffer_[65536];
};

void row(const char* name, double value, const char* unit) {
  std::printf("%-28s %12.2f %s\n", name, value, unit);
  std::fflush(stdout);
}

std::string masked(char opcode, std::string payload) {
  std::string frame{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | payload.size())};
  return frame + std::string(4, '\0') + payload;
}

void memory_and_idle(const char* program, int idle_seconds) {
  Server server(program);
  Clients clients(server.port);
  clients.open(1000);
  const double before = server.pss_bytes();
  clients.open(16'000);
  row("idle_user_bytes", (server.pss_bytes() - before) / 16'000, "bytes/connection");

  const auto pong = masked(10, "");
  const auto until = Clock::now() + std::chrono::seconds(idle_seconds);
  const double used = server.cpu_seconds();
  std::size_t pings = 0;
  while (Clock::now() < until)
    clients.poll(100, [&](int fd, std::string_view) {
      clients.send(fd, pong);
      ++pings;
    });
  row("idle_cpu", (server.cpu_seconds() - used) * 1e6 / idle_seconds / 17'000,
      "us/s per connection");
  row("idle_seconds_per_ping", idle_seconds * 17'000.0 / static_cast<double>(pings), "s");
  row("ping_and_pong", (server.cpu_seconds() - used) * 1e6 / static_cast<double>(pings), "us");
}

void upgrades(const char* program) {
  Server server(program);
  for (int round = 0; round < 3; ++round) {
    const double used = server.cpu_seconds();
    const auto start = Clock::now();
    {
      Clients(server.port).open(10'000);
    }
    const double wall = std::chrono::duration<double>(Clock::now() - start).count();
    row("upgrades", 10'000 / wall, "per second");
    row("upgrades_core", 10'000 / (server.cpu_seconds() - used), "per server core-second");
  }
}

void echo(const char* program, std::size_t connections) {
  Server server(program);
  Clients clients(server.port);
  clients.open(connections);
  const auto frame = masked(2, std::string(100, 'x'));
  for (const int fd : clients.fds()) clients.send(fd, frame);
  std::size_t echoed = 0;
  const double used = server.cpu_seconds();
  const auto start = Clock::now();
  const auto until = start + std::chrono::seconds(5);
  while (Clock::now() < until)
    clients.poll(1000, [&](int fd, std::string_view) {
      clients.send(fd, frame);
      ++echoed;
    });
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  const auto name = "echo_" + std::to_string(connections);
  row(name.c_str(), static_cast<double>(echoed) / wall, "per second");
  row((name + "_core").c_str(), static_cast<double>(echoed) / (server.cpu_seconds() - used),
      "per server core-second");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: edge_bench PATH_OF_ECHO_SERVER [IDLE_SECONDS]\n");
    return 2;
  }
  pin(1);
  const int idle_seconds = argc > 2 ? std::atoi(argv[2]) : 55;
  upgrades(argv[1]);
  echo(argv[1], 1);
  echo(argv[1], 64);
  memory_and_idle(argv[1], idle_seconds);
}
