#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "net/http_reader.h"

namespace parley::net {
struct EdgeConfig;

/// Whether the request asks to become a WebSocket; then `negotiate` says whether it may.
bool asks_for_websocket(const HttpReader::Message& request);

struct Upgrade {
  unsigned subprotocol;  // index into EdgeConfig::subprotocols, or kNoSubprotocol
  SharedBytes response;  // 101
};

/// RFC 6455 section 4.2: the answer to an upgrade, or why not, as a sentence in a 4xx.
std::variant<Upgrade, HttpResponse> negotiate(const HttpReader::Message& request,
                                              const EdgeConfig& config);

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
std::string accept_key(std::string_view key);

}  // namespace parley::net
