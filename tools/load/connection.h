#pragma once
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>

#include "loop.h"
#include "tls.h"
#include "ws_frame.h"

namespace parley::load {

struct Target {
  sockaddr_in address{};
  std::string host;                // as in the Host header
  std::shared_ptr<TlsClient> tls;  // null: plain
  /// How many loopback source addresses to spread over; 1: let the system choose.
  unsigned sources = 1;
};

/// Gets what happens on a connection, on the loop's thread. `on_closed` comes once after `open`
/// unless `drop` was called. A closed connection may be opened again, though not within a call.
class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  virtual void on_open() = 0;
  /// The bytes of one binary message, valid during the call.
  virtual void on_message(std::string_view bytes) = 0;
  /// The WebSocket close code, 1006 if there was none; the reason for people.
  virtual void on_closed(int code, std::string_view reason) = 0;
};

/// A WebSocket client connection over the loop. What is sent in one turn goes out in one write.
/// Answers pings by itself. One thread; the listener must outlive it.
class Connection final : public Watched {
 public:
  Connection(Loop& loop, const Target& target, ConnectionListener& listener)
      : loop_(loop), target_(target), listener_(listener) {}
  ~Connection() override { drop(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// `number` picks the source address.
  void open(std::size_t number);
  /// One binary message.
  void send(std::string_view payload);
  /// Sends a close frame; the server then closes.
  void close();
  /// Vanishes: closes the socket without a word. No on_closed.
  void drop();
  bool is_open() const { return state_ == State::open; }
  bool is_idle() const { return state_ == State::idle; }
  std::size_t unsent() const { return out_.size(); }

  void ready(std::uint32_t events) override;
  void turn_ends() override;

 private:
  enum class State : std::uint8_t { idle, connecting, upgrading, open, closing };

  void read();
  /// Takes whole frames off the input; returns how many bytes that were.
  std::size_t take(std::string_view input);
  void take_frame(const ServerFrameView& frame);
  void queue(Opcode opcode, std::string_view payload);
  void flush();
  void fail(int code, std::string_view reason);
  void want_turn_end();

  Loop& loop_;
  const Target& target_;
  ConnectionListener& listener_;
  int fd_ = -1;
  std::unique_ptr<TlsLink> tls_;
  State state_ = State::idle;
  bool ending_ = false;   // the loop will call turn_ends
  bool blocked_ = false;  // waits for EPOLLOUT
  std::string out_;
  std::string tail_;     // an incomplete frame
  std::string message_;  // the fragments of a message so far
};

}  // namespace parley::load
