#include "cli/password.h"

#include <fcntl.h>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace parley::cli {
namespace {

/// The terminal without echo, until the end of the scope.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd) {
    tcgetattr(fd_, &before_);
    auto quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  ~NoEcho() { tcsetattr(fd_, TCSAFLUSH, &before_); }

 private:
  int fd_;
  termios before_{};
};

std::string ask(const char* prompt) {
  std::cerr << prompt << std::flush;
  std::string line;
  {
    NoEcho quiet(STDIN_FILENO);
    std::getline(std::cin, line);
  }
  std::cerr << "\n";
  return line;
}

}  // namespace

client::Outcome<std::string> read_password(bool from_stdin, bool twice) {
  std::string password;
  if (from_stdin) {
    std::getline(std::cin, password);
    if (!password.empty() && password.back() == '\r') password.pop_back();
  } else if (isatty(STDIN_FILENO)) {
    password = ask("Password: ");
    if (twice && !password.empty() && ask("The same again: ") != password)
      return client::failed("the two passwords differ: try again");
  } else {
    return client::failed(
        "there is no terminal to ask for a password: give it by --password-stdin");
  }
  if (password.empty()) return client::failed("no password was given");
  return password;
}

}  // namespace parley::cli
