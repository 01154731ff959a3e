#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <sys/epoll.h>
#include <vector>

#include "net/connection.h"
#include "net/edge.h"
#include "net/timing_wheel.h"

namespace parley::net {

/// What `/metrics` shows of all edges of a process.
struct EdgeMetrics {
  explicit EdgeMetrics(Metrics& in);
  Metric &connections, &websockets, &streams, &refused, &requests, &received_messages,
      &received_bytes, &sent_bytes, &slow_readers, &tls_handshakes, &tls_resumed, &tls_failed;
};

/// The parts of an edge, by file: edge.cc is what the owner calls and the life of a slot;
/// edge_turn.cc reads, writes and tells; edge_http.cc and edge_websocket.cc use up what was read;
/// edge_stream.cc is the answers without end; edge_tls.cc is what is different where they are
/// encrypted, edge_proxy.cc where they come through a proxy; edge_deadlines.cc is the clock.
///
/// Nothing here calls the handler but the three kinds of turn (socket events, what was posted, a
/// tick of the clock), each of which ends in `end_turn`. A slot is given back only there, so a
/// Connection& stays good throughout a turn.
struct Edge::Impl {
  using State = Connection::State;

  Impl(boost::asio::io_context& io, EdgeConfig config, EdgeHandler& handler, const Clock& clock,
       Metrics* metrics, std::shared_ptr<Admission> admission);
  ~Impl();

  // edge.cc: slots
  void take(UniqueFd socket);
  Connection* allocate();
  Connection* find(ConnectionId id);
  ConnectionId id_of(const Connection& c) const;
  std::uint32_t slot_of(const Connection& c) const;
  void drop(Connection& c, CloseCode code);
  void release(Connection& c);
  Sent send(ConnectionId id, SharedBytes frame);
  void enqueue(Connection& c, SharedBytes block);
  void start_close(Connection& c, CloseCode code, std::string_view reason);
  void linger(Connection& c, SharedBytes last_words);
  void fail(Connection& c, CloseCode code, std::string_view reason);
  Metric& opened(const Connection& c) { return c.streams ? metrics_.streams : metrics_.websockets; }
  void evict_slow_reader(Connection& c);
  void mark_dirty(Connection& c);
  void continue_later(Connection& c);
  void watch(Connection& c);

  // edge_turn.cc
  void wait();
  std::size_t turn();
  void schedule();
  void run_posted();
  void read(Connection& c);
  void consume(Connection& c, char* at, char* end);
  void end_turn();
  void tell();
  void flush(Connection& c);
  void flushed(Connection& c);

  // edge_proxy.cc
  using Address = Admission::Address;
  /// Of the client, also behind a proxy.
  Address address_of(const Connection& c) const;
  void read_proxy(Connection& c);
  /// Of a forwarder's request. False: its client has too many connections, and that was answered.
  bool read_forwarded(Connection& c, const HttpReader::Message& request);
  bool count_for(Connection& c, const Address& client);

  // edge_tls.cc
  TlsSession* tls_of(const Connection& c) {
    return config_.tls ? tls_sessions_[slot_of(c)].get() : nullptr;
  }
  void start_tls(Connection& c);
  void read_tls(Connection& c, TlsSession& tls);
  void finish_tls(Connection& c);

  // edge_http.cc
  bool consume_http(Connection& c, char*& at, char* end);
  void upgrade(Connection& c, const HttpReader::Message& request);
  void reply(Connection& c, const HttpResponse& response);
  void next_request(Connection& c);
  void refuse(Connection& c, Admission::Verdict why);
  const std::string& date();

  // edge_stream.cc
  void stream(Connection& c);
  void expire_stream(Connection& c);

  // edge_websocket.cc
  void consume_frames(Connection& c, char*& at, char* end);
  void close_received(Connection& c, std::string_view payload);

  // edge_deadlines.cc
  void start_clock();
  void tick();
  void arm(Connection& c);
  void expire(Connection& c);
  bool passed(std::uint32_t since, std::uint32_t ticks) const { return tick_ - since >= ticks; }

  boost::asio::io_context& io_;
  const EdgeConfig config_;
  EdgeHandler& handler_;
  const Clock& clock_;
  std::unique_ptr<Metrics> own_metrics_;
  EdgeMetrics metrics_;
  std::shared_ptr<Admission> admission_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // queued handlers look whether it is

  boost::asio::posix::stream_descriptor epoll_;
  boost::asio::steady_timer timer_;

  std::vector<Connection> slots_;  // reserved in full at the start: references stay good
  std::uint32_t free_ = kNone;     // a list through Connection::heard
  std::size_t used_ = 0;
  std::size_t refused_ = 0;

  TimingWheel wheel_;
  std::uint32_t tick_ = 0;
  Clock::Mono started_;
  struct Ticks {
    std::uint32_t handshake, hello, ping, idle, stalled, keepalive, close;
  } const ticks_;

  std::vector<char> buffer_;  // every socket is read into it
  std::array<epoll_event, 512> events_;
  FrameReader frames_;                // for connections with no frame under way
  std::unique_ptr<HttpReader> http_;  // likewise, for requests
  std::vector<std::unique_ptr<OutputQueue>> spare_outputs_;

  std::vector<Address> clients_;  // by slot, of those behind balancers; empty: there are none

  std::unique_ptr<TlsScratch> tls_scratch_;                // null: connections are plain
  std::vector<char> tls_input_;                            // every socket is read into it first
  std::vector<std::unique_ptr<TlsSession>> tls_sessions_;  // by slot

  struct Told {
    ConnectionId id;
    bool ended;  // else drained
  };
  std::vector<Told> to_tell_;
  std::vector<ConnectionId> dirty_;
  std::vector<ConnectionId> continued_;
  bool in_turn_ = false;
  bool posted_ = false;
  std::size_t turn_messages_ = 0, turn_received_ = 0, turn_sent_ = 0;

  std::string date_;
  std::uint32_t date_tick_ = ~0U;

  bool shutting_ = false;
  std::uint32_t shutdown_tick_ = 0;
  std::function<void()> shutdown_done_;

  static constexpr std::uint32_t kNone = ~0U;
  static constexpr std::size_t kRefusedAtOnce = 256;  // beyond that, without a word
  static constexpr std::size_t kBufferSize = 128 * 1024;
  static constexpr std::size_t kSpareOutputs = 1024;
};

}  // namespace parley::net
