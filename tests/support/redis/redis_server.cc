#include "tests/support/redis/redis_server.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace parley::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Below the ports that the system gives to clients.
std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> from(15'000, 31'000);
  for (;;) {
    const auto port = static_cast<std::uint16_t>(from(random));
    const auto address = loopback(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (free) return port;
  }
}

/// Whether somebody answers PING there, be it by a refusal.
bool answers(std::uint16_t port) {
  const auto address = loopback(port);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  char reply[64] = {};
  const bool answered =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::write(fd, "PING\r\n", 6) == 6 && ::read(fd, reply, sizeof reply) > 0 &&
      !std::string_view(reply).starts_with("-LOADING");
  ::close(fd);
  return answered;
}

}  // namespace

RedisServer::RedisServer(Keeps keeps, std::string password)
    : keeps_(keeps), password_(std::move(password)), port_(free_port()) {
  start();
}

RedisServer::~RedisServer() {
  if (pid_ != -1) kill_hard();
}

void RedisServer::start() {
  std::vector<std::string> words{"redis-server",
                                 "--bind",
                                 "127.0.0.1",
                                 "--port",
                                 std::to_string(port_),
                                 "--dir",
                                 folder_.path().string(),
                                 "--save",
                                 "",
                                 "--daemonize",
                                 "no",
                                 "--appendonly",
                                 keeps_ == Keeps::everything ? "yes" : "no",
                                 "--appendfsync",
                                 "always"};
  if (!password_.empty()) words.insert(words.end(), {"--requirepass", password_});
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto log = (folder_.path() / "log").string();
  pid_ = ::fork();
  if (pid_ == 0) {
    const int fd = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!answers(port_)) {
    const bool ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (ended) pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("redis-server does not start: is it installed?");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RedisServer::kill_hard() {
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::signal(int number) const { ::kill(pid_, number); }

}  // namespace parley::test
