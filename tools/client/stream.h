#pragma once
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "client/api.h"

namespace parley::client {

/// A connection to a server, encrypted where the endpoint says so. It is what Beast asks of a
/// stream; time-outs are set on `tcp()`.
class Stream {
 public:
  using Tcp = boost::beast::tcp_stream;
  using executor_type = Tcp::executor_type;
  using error_code = boost::system::error_code;

  explicit Stream(boost::asio::any_io_executor executor) : tcp_(executor) {}

  executor_type get_executor() { return tcp_.get_executor(); }
  Tcp& tcp() { return tcp_; }
  void close() { tcp_.close(); }

  struct Trouble {
    error_code ec = {};         // of the network
    std::string distrust = {};  // else a sentence: why this server is not to be talked to
    explicit operator bool() const { return ec || !distrust.empty(); }
  };
  /// Connects and, with TLS, checks that the server is who it should be.
  Awaitable<Trouble> connect(const Endpoint& server, std::chrono::seconds patience);

  template <class Buffers, class Handler>
  BOOST_ASIO_INITFN_AUTO_RESULT_TYPE(Handler, void(error_code, std::size_t))
  async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [this](auto done, const Buffers& into) {
          tls_ ? tls_->async_read_some(into, std::move(done))
               : tcp_.async_read_some(into, std::move(done));
        },
        handler, buffers);
  }
  template <class Buffers, class Handler>
  BOOST_ASIO_INITFN_AUTO_RESULT_TYPE(Handler, void(error_code, std::size_t))
  async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [this](auto done, const Buffers& from) {
          tls_ ? tls_->async_write_some(from, std::move(done))
               : tcp_.async_write_some(from, std::move(done));
        },
        handler, buffers);
  }

  /// Beast's customisation points: how a WebSocket ends, and how its time-out ends it.
  friend void beast_close_socket(Stream& stream) { stream.close(); }
  friend void teardown(boost::beast::role_type role, Stream& stream, error_code& ec) {
    using boost::beast::websocket::teardown;
    teardown(role, stream.tcp_, ec);
  }
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, Stream& stream, Handler&& handler) {
    using boost::beast::websocket::async_teardown;
    async_teardown(role, stream.tcp_, std::forward<Handler>(handler));
  }

 private:
  Tcp tcp_;
  std::optional<boost::asio::ssl::context> context_;
  std::optional<boost::asio::ssl::stream<Tcp&>> tls_;
};

}  // namespace parley::client
