#pragma once
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/codes.h"
#include "base/metrics.h"
#include "base/named.h"
#include "net/admission.h"
#include "net/http_message.h"
#include "net/proxy_header.h"
#include "net/socket.h"
#include "net/tls.h"

namespace parley::net {

/// A connection of one edge: slot (low 32 bits) and reuse counter (high 32), so that a stale id is
/// recognised and ignored. 0 is none.
using ConnectionId = Named<struct ConnectionIdTag, std::uint64_t>;

/// RFC 6455 section 7.1.5: never sent, only told by `on_close`.
inline constexpr CloseCode kNoStatus{1005};  // the peer's close frame had no code
inline constexpr CloseCode kAbnormal{1006};  // the connection ended without a close frame

/// The index told by `on_open` when the client asked for no subprotocol that is offered here.
inline constexpr unsigned kNoSubprotocol = ~0U;

struct EdgeConfig {
  std::size_t max_message = 64 * 1024;         // bytes after reassembly; above: closed with 1009
  std::size_t max_http_body = 256 * 1024;      // above: 413
  std::size_t max_http_header = 16 * 1024;     // above: 431
  std::size_t output_high_water = 256 * 1024;  // bytes queued at which send() says `full`
  std::size_t output_limit = 1024 * 1024;      // bytes queued at most; beyond: closed, slow_reader
  std::size_t max_connections = 18'000;        // process-wide; beyond: 503
  std::size_t max_per_address = 0;             // process-wide; beyond: 429. 0: unlimited
  Networks proxies = {};     // whose connections begin with a PROXY header, and nobody else's
  Networks forwarders = {};  // whose requests say for whom in X-Forwarded-For, and nobody else's
  std::chrono::milliseconds handshake_timeout{10'000};  // for a whole HTTP request to arrive
  std::chrono::milliseconds hello_timeout{10'000};      // from on_open to hello_done()
  std::chrono::milliseconds ping_after{25'000};         // of silence
  std::chrono::milliseconds idle_close{60'000};         // of silence: closed with 4001
  std::chrono::milliseconds stalled_close{30'000};      // no byte taken by the peer: slow_reader
  std::chrono::milliseconds http_keepalive{60'000};     // between two requests
  std::chrono::milliseconds close_timeout{5'000};       // for the peer's close frame
  std::chrono::milliseconds tick{1'000};                // resolution of every deadline above
  std::string websocket_path = {};                      // where upgrades are taken; empty: any path
  std::vector<std::string> subprotocols = {};           // offered, in order of preference
  std::shared_ptr<const Tls> tls = {};                  // null: connections are plain
  bool allow_no_subprotocol = false;  // else an upgrade that offers none of ours is refused
};

/// What the owner of an edge does with what comes in.
///
/// All calls are made on the edge's loop, one at a time, never from within a call to the edge: a
/// handler may call any member of the edge from any of these. Every batch of calls is followed by
/// one `on_turn_end`, and what was sent meanwhile is written after that.
class EdgeHandler {
 public:
  virtual ~EdgeHandler() = default;

  /// A WebSocket handshake is done. `subprotocol` indexes `EdgeConfig::subprotocols`.
  virtual void on_open(ConnectionId id, unsigned subprotocol, std::string_view remote_address) = 0;
  /// A whole message. `payload` is valid during the call; text has been checked to be UTF-8.
  virtual void on_message(ConnectionId id, bool binary, std::string_view payload) = 0;
  /// The output was at or above the high water mark and is now empty.
  virtual void on_drained(ConnectionId id) = 0;
  /// Once per `on_open` and `stream()`, also after `close()`. Why: our code, the peer's, kNoStatus
  /// or kAbnormal. `tag(id)` still answers; sending does not.
  virtual void on_close(ConnectionId id, CloseCode code) = 0;
  /// A request to be answered by `respond()`, now or later; one at a time per connection. There is
  /// no notice when the client goes away meanwhile: the answer is then ignored.
  virtual void on_http(ConnectionId id, HttpRequest&& request) = 0;
  /// The end of a loop turn: hand over what was collected.
  virtual void on_turn_end() = 0;
};

/// The network edge of one event loop: HTTP/1.1 and WebSocket (RFC 6455) on the same connections.
///
/// A connection is a slot in a slab: no coroutine, no timer, no buffer of its own while it is idle.
/// Every member is for the loop's thread, `adopt` for any. Destroyed on that thread, or after the
/// loop has ended; connections still open are then cut without calls to the handler.
class Edge {
 public:
  /// `io`, `handler`, `clock` and `metrics` (may be null) outlive the edge. Edges that are to share
  /// the limits on connections share `admission`; without one, the edge makes its own from
  /// `config`.
  Edge(boost::asio::io_context& io, EdgeConfig config, EdgeHandler& handler, const Clock& clock,
       Metrics* metrics, std::shared_ptr<Admission> admission = nullptr);
  ~Edge();
  Edge(const Edge&) = delete;

  /// Takes over connected, non-blocking sockets. Any thread.
  void adopt(std::vector<UniqueFd> sockets);

  enum class Sent {
    ok,
    full,  // queued, but at or above the high water mark: hold back until on_drained
    gone,  // not queued: closed, closing, or just closed because its output is over the limit
  };
  /// Queues an encoded frame (`encode_message`), shared with whoever else holds it.
  Sent send(ConnectionId id, SharedBytes frame);

  /// Answers the request that `on_http` handed over.
  void respond(ConnectionId id, HttpResponse response);

  /// The request that `on_http` handed over can still be answered.
  bool awaits_answer(ConnectionId id) const;

  /// Answers it by a stream of events (text/event-stream) that ends with the connection. From here
  /// on it is like a WebSocket that was opened, but for this: what `send` is given is encoded by
  /// `encode_event`; nothing comes in by it, so `heard` says when its peer was; a comment every
  /// `ping_after` keeps proxies from cutting it; its close frame is an event; `pause` is nothing.
  /// False, and nothing is done, where `awaits_answer` is false.
  bool stream(ConnectionId id);

  /// The peer of a stream was heard of by another connection: `idle_close` counts from now.
  void heard(ConnectionId id);

  /// Stops and starts reading a connection's socket: back-pressure. No `on_message` comes between.
  void pause(ConnectionId id);
  void resume(ConnectionId id);

  /// Sends what is queued and a close frame, and waits `close_timeout` for the peer's. `reason` is
  /// cut to 123 bytes. No `on_message` comes after it.
  void close(ConnectionId id, CloseCode code, std::string_view reason = {});

  /// One word of the owner's, 0 at first.
  void set_tag(ConnectionId id, std::uint64_t tag);
  std::uint64_t tag(ConnectionId id) const;  // 0 if stale

  /// Ends the deadline `hello_timeout`.
  void hello_done(ConnectionId id);

  /// Takes no more connections, closes those that are open with that code, and calls `done`
  /// (posted) when the last is gone: within `close_timeout` and a tick. Requests that await an
  /// answer get it first, within the same time.
  void shutdown(CloseCode code, std::string_view reason, std::function<void()> done);

  /// Connections of any kind.
  std::size_t connections() const;
  const EdgeConfig& config() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A whole, final, unmasked data frame in one block.
SharedBytes encode_message(bool binary, std::string_view payload);

/// A server-sent event of one line: `payload` has no line break, as no JSON of ours has.
SharedBytes encode_event(std::string_view payload);

}  // namespace parley::net
