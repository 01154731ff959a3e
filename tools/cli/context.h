#pragma once
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>

#include "client/api.h"

namespace parley::cli {

using client::Awaitable;
using client::Failure;
using client::Outcome;

/// What every command may use. One per run of the program; one thread.
class Context {
 public:
  // Options before or after the command.
  std::string server;   // empty: the account's own, or the default
  std::string ca;       // likewise; empty: the account's own, or the system's roots
  std::string profile;  // empty: the only one there is
  std::string transport = "websocket";
  bool json = false;

  /// The command that the arguments chose.
  std::function<Awaitable<Outcome<void>>()> command;

  boost::asio::io_context& io() { return io_; }

  Outcome<client::Endpoint> endpoint() const;
  /// The signed-in account and its interface; both live as long as the context.
  Outcome<client::Api*> sign_on();

 private:
  boost::asio::io_context io_{1};
  std::optional<client::Account> account_;
  std::optional<client::Api> api_;
};

/// A line on standard output, at once; the program ends quietly when nobody reads any more.
void print_line(std::string_view line);
/// With `--json`: the message as one line, with the fields that hold their default.
void print_json(const google::protobuf::Message& message);
/// A frame of the protocol as one line, just as the server would write it: without those.
void print_frame(const v1::ServerFrame& frame);
/// A remark for the person, on standard error.
void remark(std::string_view line);
/// Whether standard output takes colour and cursor movement.
bool is_terminal_output();

}  // namespace parley::cli
