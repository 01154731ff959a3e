#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace parley::wire {

enum class Subprotocol : std::uint8_t { pb = 0, json = 1 };

/// As negotiated in the WebSocket handshake, indexed by `Subprotocol`, in order of preference.
inline constexpr std::array<std::string_view, 2> kSubprotocols{"parley.v1.pb", "parley.v1.json"};

}  // namespace parley::wire
