#include "tests/support/tcp_gate/tcp_gate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::test {
namespace {

sockaddr_in parse(const std::string& address) {
  const auto colon = address.rfind(':');
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &out.sin_addr) != 1)
    throw std::runtime_error(fmt::format("not an address and port: {}", address));
  return out;
}

/// Passes on what there is; false when either side has ended.
bool forward(int from, int to) {
  char buffer[16 * 1024];
  const auto got = ::recv(from, buffer, sizeof buffer, 0);
  for (ssize_t at = 0; at < got;) {
    const auto sent = ::send(to, buffer + at, static_cast<std::size_t>(got - at), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += sent;
  }
  return got > 0;
}

}  // namespace

TcpGate::TcpGate(std::string to) : to_(std::move(to)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto here = parse("127.0.0.1:0");
  socklen_t size = sizeof here;
  auto* generic = reinterpret_cast<sockaddr*>(&here);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0 || ::pipe(wake_) != 0)
    throw std::runtime_error("a gate cannot listen");
  address_ = fmt::format("127.0.0.1:{}", ntohs(here.sin_port));
  thread_ = std::thread([this] { run(); });
}

TcpGate::~TcpGate() {
  stopping_ = true;
  wake();
  thread_.join();
  ::close(listener_);
  ::close(wake_[0]);
  ::close(wake_[1]);
}

void TcpGate::set(bool shut) {
  shut_ = shut;
  wake();
}

void TcpGate::break_all() {
  break_ = true;
  wake();
}

void TcpGate::wake() const {
  if (::write(wake_[1], "", 1) != 1) throw std::runtime_error("a gate cannot be moved");
}

void TcpGate::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = parse(to_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    pairs_.push_back({client, server});
  } else {
    ::close(client);
    ::close(server);
  }
}

void TcpGate::run() {
  const auto close_pair = [](const Pair& pair) {
    ::close(pair.client);
    ::close(pair.server);
    return true;
  };
  while (!stopping_) {
    std::vector<pollfd> ready{{wake_[0], POLLIN, 0}};
    const bool open = !shut_;
    if (open) {
      ready.push_back({listener_, POLLIN, 0});
      for (const auto& pair : pairs_) {
        ready.push_back({pair.client, POLLIN, 0});
        ready.push_back({pair.server, POLLIN, 0});
      }
    }
    ::poll(ready.data(), ready.size(), -1);
    if (ready[0].revents) {
      char drained[64];
      if (::read(wake_[0], drained, sizeof drained) < 0) break;
      if (break_.exchange(false)) std::erase_if(pairs_, close_pair);
      continue;  // the state has changed: look again before anything passes
    }
    std::vector<Pair> kept;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto& pair = pairs_[i];
      const bool from_client = ready[2 + 2 * i].revents;
      const bool from_server = ready[3 + 2 * i].revents;
      if ((from_client && !forward(pair.client, pair.server)) ||
          (from_server && !forward(pair.server, pair.client)))
        close_pair(pair);
      else
        kept.push_back(pair);
    }
    pairs_ = std::move(kept);
    if (ready[1].revents) accept_one();
  }
  for (const auto& pair : pairs_) close_pair(pair);
}

}  // namespace parley::test
