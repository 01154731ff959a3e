#pragma once
#include <google/protobuf/arena.h>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "parley/v1/frames.pb.h"

namespace parley::load {

class Session;

/// Gets what a session does not handle by itself. On the loop's thread.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void on_frame(Session& session, const v1::ServerFrame& frame) = 0;
  /// The backlog after hello has ended: the session is ready.
  virtual void on_ready(Session& session) = 0;
  /// The connection is gone. The code is of RFC 6455 or of proto/codes.json.
  virtual void on_lost(Session& session, int code, std::string_view reason) = 0;
};

/// One device's connection after another: hello by token or by the last welcome's ticket, with the
/// last cursor. Requests of one turn travel as one batch. One thread.
class Session final : public ConnectionListener, public TurnEnd {
 public:
  /// All must outlive it. `number` is the owner's, and picks the source address.
  Session(Loop& loop, const Target& target, SessionListener& listener, std::size_t number)
      : number(number), loop_(loop), listener_(listener), connection_(loop, target, *this) {}
  ~Session() override { loop_.forget_turn_end(this); }

  const std::size_t number;
  std::string token;
  std::string ticket;  // of the last welcome; empty: hello by token
  std::string cursor;  // of the last backlog_end

  /// Connects and says hello. Only while the connection is idle.
  void connect();
  /// Puts a frame into the turn's batch. Only while ready, and from `on_frame` of the backlog on.
  void request(const v1::ClientFrame& frame);
  /// Says goodbye; on_lost comes when the server has closed.
  void close() {
    forget();
    connection_.close();
  }
  /// Vanishes without a word; no on_lost.
  void drop();

  bool ready() const { return ready_; }
  bool idle() const { return connection_.is_idle(); }
  const v1::Welcome& welcome() const { return welcome_; }

  void on_open() override;
  void on_message(std::string_view bytes) override;
  void on_closed(int code, std::string_view reason) override;
  void turn_ends() override;

 private:
  void take(const v1::ServerFrame& frame);
  void forget();
  void flush();

  Loop& loop_;
  SessionListener& listener_;
  Connection connection_;
  v1::Welcome welcome_;
  bool ready_ = false;
  bool ending_ = false;
  std::size_t batched_ = 0;
  std::string batch_;  // an encoded ClientBatch
};

}  // namespace parley::load
