#include "app/supervisor.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

namespace parley::app {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// 0: not set, or no number.
std::uint64_t number(const char* name) {
  const auto text = environment(name);
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

bool send_to(std::string_view path, const std::string& text) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return errno = ENAMETOOLONG, false;
  std::ranges::copy(path, address.sun_path);
  if (path.front() == '@') address.sun_path[0] = '\0';  // a name that is in no file system
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const auto sent = ::sendto(fd, text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size);
  const int error = errno;
  ::close(fd);
  errno = error;
  return sent == static_cast<ssize_t>(text.size());
}

}  // namespace

bool has_supervisor() { return !environment("NOTIFY_SOCKET").empty(); }

void tell_supervisor(const std::string& state) {
  if (has_supervisor() && !send_to(environment("NOTIFY_SOCKET"), state))
    log::warn("app", "the supervisor was not told {}: {}", state.substr(0, state.find('\n')),
              std::strerror(errno));
}

Watchdog::Watchdog(boost::asio::io_context& io, Loops& loops) : loops_(loops), timer_(io) {
  const auto of = number("WATCHDOG_PID");
  const auto within = number("WATCHDOG_USEC");
  if (within == 0 || (of != 0 && of != static_cast<std::uint64_t>(::getpid()))) return;
  every_ = std::chrono::microseconds(std::max<std::uint64_t>(within / 3, 1'000));
  ask();
  wait();
}

void Watchdog::ask() {
  *answered_ = 0;
  for (std::size_t i = 0; i < loops_.size(); ++i)
    boost::asio::post(loops_.at(i), [answered = answered_] { ++*answered; });
}

void Watchdog::wait() {
  timer_.expires_after(every_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    if (*answered_ == loops_.size()) {
      tell_supervisor("WATCHDOG=1");
      ask();
    }
    wait();
  });
}

}  // namespace parley::app
