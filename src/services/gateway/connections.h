#pragma once
#include <string_view>

#include "api/message.h"
#include "parley/v1/frames.pb.h"
#include "services/gateway/session_table.h"
#include "services/gateway/shared.h"

namespace parley::gateway {

/// The WebSockets and event streams of one loop, seen as sessions: finds them, and writes to them.
/// The loop's thread.
class Connections {
 public:
  /// `edge` stays until `detach`.
  Connections(Shared& shared, net::Edge& edge, std::size_t loop);

  Session& open(net::ConnectionId id, wire::Subprotocol subprotocol);
  /// For an answer that is to be a stream; `close` also undoes this one.
  Session& open_stream(net::ConnectionId id);
  void close(net::ConnectionId id);  // the edge has closed it
  /// All are closed, and the edge goes: from here on nothing is found.
  void detach() { edge_ = nullptr; }

  /// A session that joins is found by its user, and counts as present. False: its device has as
  /// many connections as it may.
  bool join(Session& session);

  /// Null if the connection is gone or closing.
  Session* find(net::ConnectionId id);
  SessionTable& table() { return table_; }
  Origin origin(net::ConnectionId id) const { return Origin(id.value ^ mask_); }
  net::ConnectionId connection(Origin origin) const {
    return net::ConnectionId(origin.value ^ mask_);
  }

  /// A whole payload, in the session's subprotocol. Sets `full` as the edge says.
  void send(Session& session, std::string_view payload);
  void send(Session& session, const v1::ServerFrame& frame);
  /// An encoded message that others are sent too.
  void send_shared(Session& session, const SharedBytes& message);
  void send_error(Session& session, std::uint64_t re, const Error& error);
  void hang_up(Session& session, CloseCode code, std::string_view reason);

  /// A request waits for its answer, or got it: beyond the limit the socket is not read.
  void asked(Session& session);
  void answered(Session& session);

 private:
  bool has_room_for(const Session& session);  // and takes it
  SessionSlot slot_of(net::ConnectionId id) const;

  Shared& shared_;
  net::Edge* edge_;
  const std::size_t loop_;
  const std::uint64_t mask_;  // makes an edge's connection ids unique across loops and gateways
  SessionTable table_;
};

}  // namespace parley::gateway
