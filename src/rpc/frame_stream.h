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

namespace parley::rpc {
namespace v1 {
class Frame;
}

/// What the side that connects says first, before its frames. Neither HTTP/2 nor TLS begins with
/// this byte, so that one port serves both.
inline constexpr std::string_view kStreamGreeting = "\x01parley\n";

/// Frames over one TCP connection, in order: of each the length in bytes (four, little-endian, at
/// most `kLargestFrame`), then a `v1::Frame`. A peer that is gone without a word is noticed within
/// 20 s. Lives on one loop, on which all of it is called and calls.
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
                                              const std::string& address, Events events);
  /// Of a connection that was accepted, whose greeting has not been read.
  static std::shared_ptr<FrameStream> adopt(boost::asio::ip::tcp::socket socket, Events events);

  /// One at a time: the next after `on_written`.
  void write(const v1::Frame& frame);
  /// Nothing more is written, and what comes is dropped; ends when the other side has ended, after
  /// a second at the latest.
  void finish();
  /// Ends at once.
  void cancel();

 private:
  FrameStream(boost::asio::ip::tcp::socket socket, std::string peer, Events events);
  void ready();
  void send();
  void receive();
  /// Gives out the frames that are whole; false: what came is none.
  bool take();
  void end(Error why);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer finishing_;
  const std::string peer_;
  Events events_;  // empty: ended
  bool ready_ = false, finished_ = false;
  std::string_view expected_;  // of the other side's greeting
  std::string out_, in_;
  std::size_t begin_ = 0, filled_ = 0;  // of in_: what is not taken yet
};

}  // namespace parley::rpc
