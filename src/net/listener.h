#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace parley::net {
class Edge;

/// Accepts TCP connections and hands them round-robin to edges, on their loops. Members are for the
/// thread of the listener's own loop, or for any before it runs. Where the process is out of file
/// descriptors, it accepts nothing for a second and tries again.
class Listener {
 public:
  /// Binds a numeric `address` and `port` (0: any free one). The error is a sentence for a person.
  /// `edges` outlive the listener's use of them: until `stop()`.
  static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& io,
                                                const std::string& address, std::uint16_t port,
                                                std::vector<Edge*> edges);
  ~Listener();
  Listener(const Listener&) = delete;

  std::uint16_t port() const;

  /// Closes the listening socket. Connections already handed over stay.
  void stop();

 private:
  Listener(boost::asio::io_context& io, std::vector<Edge*> edges);
  void wait();
  void accept();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::vector<Edge*> edges_;
  std::size_t next_ = 0;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // queued handlers look whether it is
};

}  // namespace parley::net
