#pragma once
#include <array>
#include <chrono>
#include <cstdint>

#include "domain/limits.h"
#include "net/edge.h"

namespace parley::gateway {

/// The key of the resume tickets' MAC, shared by all gateways of a cell.
using TicketKey = std::array<std::uint8_t, 32>;

struct Settings {
  Limits limits = {};
  /// `max_message`, `websocket_path` and `subprotocols` are set by the gateway.
  net::EdgeConfig edge = {};
  /// Requests without a valid token, of one address and loop, averaged; twice that at once. 0:
  /// unlimited.
  std::size_t unauthenticated_per_second = 20;
  /// How often access tokens are looked at for expiry; each session once in eight times.
  std::chrono::milliseconds sweep_every{500};
  /// How often the session service hears that this gateway lives.
  std::chrono::milliseconds heartbeat_every{5'000};
  /// Over how long the clients of a stopping gateway are asked to spread their return.
  std::chrono::milliseconds reconnect_spread{5'000};

  /// Text on one page of history at most: JSON may write a byte as six, and a page has to fit what
  /// a connection may have queued.
  std::size_t page_bytes() const { return edge.output_limit / 10; }
};

}  // namespace parley::gateway
