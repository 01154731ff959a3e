#pragma once
#include <string>
#include <string_view>

#include "base/ids.h"

namespace parley {

/// The trace of one message, as W3C Trace Context (https://www.w3.org/TR/trace-context/) and OTLP
/// number traces: 16 bytes, not all zero.
struct TraceId {
  std::uint64_t high = 0, low = 0;

  bool operator==(const TraceId&) const = default;
};

/// The trace of the message that `sender` sends under this key. Where the key is a UUID, as
/// clients are advised, it is the UUID: whoever has the one finds the other. Else it is a hash of
/// both. So every process knows it from the message itself, and nothing else has to travel.
TraceId trace_of(UserId sender, std::string_view client_message_id);

/// 32 hexadecimal digits.
std::string text_of(const TraceId& trace);

}  // namespace parley
