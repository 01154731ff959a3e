#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/auth.h"
#include "base/gate.h"
#include "base/loops.h"

namespace parley::rpc {

/// Listens for other processes, and sorts what connects by its first byte: a stream of frames
/// (`frame_stream.h`), or a connection for gRPC. One that says nothing for 10 s is closed. Lives on
/// loop 0.
class Acceptor {
 public:
  using Take = std::function<void(boost::asio::ip::tcp::socket)>;
  /// `addresses` are numeric, with ports; 0: any free one. Both callbacks are called on loop 0,
  /// with a socket of that loop of which nothing was read. Errors are one sentence for the person
  /// who starts the process. The loops run, or not yet.
  static Result<std::unique_ptr<Acceptor>> open(Loops& loops,
                                                const std::vector<std::string>& addresses,
                                                Take on_stream, Take on_call);

  /// Of each address, with the real port.
  const std::vector<std::string>& addresses() const { return addresses_; }
  /// Nothing is accepted, and neither callback called, after it. The loops still run. Blocks.
  void stop();

 private:
  Acceptor(Loops& loops, Take on_stream, Take on_call);
  Awaitable<void> accept(boost::asio::ip::tcp::acceptor& from);
  Awaitable<void> sort(boost::asio::ip::tcp::socket& socket);

  Loops& loops_;
  const Take on_stream_, on_call_;
  Gate gate_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<boost::asio::ip::tcp::acceptor>> acceptors_;
  std::set<boost::asio::ip::tcp::socket*> silent_;  // that have not said anything yet
  std::vector<std::string> addresses_;
};

}  // namespace parley::rpc
