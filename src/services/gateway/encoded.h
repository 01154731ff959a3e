#pragma once
#include <array>
#include <functional>
#include <string>

#include "net/edge.h"
#include "wire/server_writer.h"

namespace parley::gateway {

/// A message for many sessions, encoded once for each subprotocol that one of them has.
class Encoded {
 public:
  using Encode = std::move_only_function<std::string(wire::Subprotocol)>;
  explicit Encoded(Encode encode) : encode_(std::move(encode)) {}
  /// `frame` stays as long as this.
  explicit Encoded(const v1::ServerFrame& frame)
      : encode_([&frame](wire::Subprotocol to) { return wire::encode(to, frame); }) {}

  const SharedBytes& in(wire::Subprotocol subprotocol) {
    auto& message = messages_[static_cast<std::size_t>(subprotocol)];
    if (!message)
      message = net::encode_message(subprotocol == wire::Subprotocol::pb, encode_(subprotocol));
    return message;
  }

 private:
  Encode encode_;
  std::array<SharedBytes, wire::kSubprotocols.size()> messages_;
};

}  // namespace parley::gateway
