#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>
#include <string>
#include <termios.h>

#include "cli/screen.h"
#include "client/api.h"

namespace parley::cli {

/// Of the terminal at standard output.
Screen::Size terminal_size();
/// All of it; a terminal that is gone takes nothing.
void write_terminal(std::string_view bytes);

/// The terminal without echo and line buffering, with bracketed paste, until leave() or the end of
/// the scope.
class RawTerminal {
 public:
  /// What ^C, ^Z and ^\ are: signals, as usual, or keys like others.
  enum class Controls { signals, keys };
  explicit RawTerminal(Controls controls = Controls::signals);
  ~RawTerminal() { leave(); }
  RawTerminal(const RawTerminal&) = delete;
  void enter();
  void leave();

 private:
  const Controls controls_;
  termios before_{};
  bool entered_ = false;
};

/// Standard input, without blocking the loop.
class Input {
 public:
  explicit Input(boost::asio::io_context& io);
  /// What is there; empty at the end, and after close().
  client::Awaitable<std::optional<std::string>> read_some();
  /// A line without its end.
  client::Awaitable<std::optional<std::string>> read_line();
  void close();

 private:
  boost::asio::posix::stream_descriptor stream_;
  bool pollable_ = false;  // a plain file is not: it is simply read
  bool closed_ = false;
  std::string rest_;
};

}  // namespace parley::cli
