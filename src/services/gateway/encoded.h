#pragma once
#include <array>
#include <functional>
#include <string>

#include "net/edge.h"
#include "services/gateway/session_table.h"
#include "wire/server_writer.h"

namespace parley::gateway {

/// A payload as a session's connection carries it.
inline SharedBytes framed(const Session& session, std::string_view payload) {
  return session.streams
             ? net::encode_event(payload)
             : net::encode_message(session.subprotocol == wire::Subprotocol::pb, payload);
}

/// A message for many sessions, encoded once for each kind that one of them is.
class Encoded {
 public:
  using Encode = std::move_only_function<std::string(wire::Subprotocol)>;
  explicit Encoded(Encode encode) : encode_(std::move(encode)) {}
  /// `frame` stays as long as this.
  explicit Encoded(const v1::ServerFrame& frame)
      : encode_([&frame](wire::Subprotocol to) { return wire::encode(to, frame); }) {}

  const SharedBytes& for_session(const Session& session) {
    auto& message = messages_[session.streams ? wire::kSubprotocols.size()
                                              : static_cast<std::size_t>(session.subprotocol)];
    if (!message) message = framed(session, encode_(session.subprotocol));
    return message;
  }

 private:
  Encode encode_;
  std::array<SharedBytes, wire::kSubprotocols.size() + 1> messages_;  // the last: events
};

}  // namespace parley::gateway
