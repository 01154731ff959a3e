#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rpc/security.h"

namespace parley::rpc {
namespace v1 {
class Frame;
}

/// What the side that connects says first, before its frames. Neither HTTP/2 nor TLS begins with
/// one of these bytes, so that one port serves both.
inline constexpr std::string_view kStreamGreeting = "\x01parley\n";
inline constexpr std::string_view kTlsStreamGreeting = "\x02parley\n";  // then TLS begins

/// Frames over one TCP connection, encrypted or not, in order: of each the length in bytes (four,
/// little-endian, at most `kLargestFrame`), then a `v1::Frame`. A peer that is gone without a word
/// is noticed within 20 s. Lives on one loop, on which all of it is called and calls.
class FrameStream : public std::enable_shared_from_this<FrameStream> {
 public:
  static constexpr std::size_t kLargestFrame = 256 << 20;
  struct Events {
    std::function<void(v1::Frame&)> on_frame;
    std::function<void()> on_written;
    /// The last; never from within a call of the stream's. `why` is `unavailable`, or `internal` if
    /// what came was no frame.
    std::function<void(Error why)> on_ended;
  };

  /// `address` is numeric, with a port. What is written before it is connected waits.
  static std::shared_ptr<FrameStream> connect(boost::asio::io_context& loop,
                                              const std::string& address, SecurityPtr security,
                                              Events events);
  /// Of a connection that was accepted, whose greeting has not been read.
  static std::shared_ptr<FrameStream> adopt(boost::asio::ip::tcp::socket socket,
                                            SecurityPtr security, Events events);

  ~FrameStream();

  /// One at a time: the next after `on_written`.
  void write(const v1::Frame& frame);
  /// Nothing more is written, and what comes is dropped; ends when the other side has ended, after
  /// a second at the latest.
  void finish();
  /// Ends at once.
  void cancel();

 private:
  FrameStream(boost::asio::ip::tcp::socket socket, std::string peer, SecurityPtr security,
              Events events);
  void greeted();
  /// `host`: for which the certificate of the other side must be valid, if that is the server.
  void shake_hands(bool as_client, const std::string& host);
  void ready();
  void cancel_in(std::chrono::seconds time);
  Error broken(const boost::system::error_code& why) const;
  void send();
  void receive();
  /// Gives out the frames that are whole; false: what came is none.
  bool take();
  void end(Error why);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;  // of the handshake; of what is left after `finish`
  const std::string peer_;              // in words, with its address
  const SecurityPtr security_;
  struct Tls;
  std::unique_ptr<Tls> tls_;  // null: not encrypted
  Events events_;             // empty: ended
  bool ready_ = false, waiting_ = false, finished_ = false;
  std::string out_, in_;
  std::size_t begin_ = 0, filled_ = 0;  // of in_: what is not taken yet
};

}  // namespace parley::rpc
