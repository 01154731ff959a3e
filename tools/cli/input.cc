#include "cli/input.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace parley::cli {
namespace asio = boost::asio;

namespace {

/// A descriptor of our own: of a terminal a separate open file, because non-blocking mode would
/// otherwise reach standard output, which is the same one.
int open_input() {
  char name[256];
  if (ttyname_r(STDIN_FILENO, name, sizeof name) == 0)
    if (const int fd = ::open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC); fd >= 0) return fd;
  return ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
}

}  // namespace

Screen::Size terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

void write_terminal(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the terminal is gone; SIGHUP ends the program
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

RawTerminal::RawTerminal(Controls controls) : controls_(controls) { enter(); }

void RawTerminal::enter() {
  if (!entered_ && tcgetattr(STDIN_FILENO, &before_) != 0) return;
  entered_ = true;
  auto raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (controls_ == Controls::keys) raw.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  raw.c_iflag &= ~static_cast<tcflag_t>(ICRNL);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  write_terminal("\033[?2004h");
}

void RawTerminal::leave() {
  if (!std::exchange(entered_, false)) return;
  write_terminal("\033[?2004l");
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Input::Input(asio::io_context& io) : stream_(io) {
  boost::system::error_code ec;
  stream_.assign(open_input(), ec);
  pollable_ = !ec;
}

client::Awaitable<std::optional<std::string>> Input::read_some() {
  if (closed_) co_return std::nullopt;
  char buffer[4096];
  if (!pollable_) {
    const auto n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n <= 0) co_return std::nullopt;
    co_return std::string(buffer, static_cast<std::size_t>(n));
  }
  auto [ec, n] =
      co_await stream_.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
  if (ec) co_return std::nullopt;
  co_return std::string(buffer, n);
}

client::Awaitable<std::optional<std::string>> Input::read_line() {
  for (;;) {
    if (const auto end = rest_.find('\n'); end != std::string::npos) {
      auto line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      co_return line;
    }
    auto more = co_await read_some();
    if (more) {
      rest_ += *more;
      continue;
    }
    if (rest_.empty() || closed_) co_return std::nullopt;
    co_return std::exchange(rest_, {});
  }
}

void Input::close() {
  closed_ = true;
  boost::system::error_code ignored;
  stream_.close(ignored);
}

}  // namespace parley::cli
