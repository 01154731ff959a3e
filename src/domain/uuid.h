#pragma once
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace parley {

/// The 128 bits of a UUID (RFC 9562); two texts that differ in case are the same one.
struct Uuid {
  std::uint64_t high = 0, low = 0;

  auto operator<=>(const Uuid&) const = default;

  static constexpr Uuid greatest() {
    return {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  }
};

/// A UUID of version 7, whose order is mostly that of making, from its 36 characters. Nothing for
/// any other text.
std::optional<Uuid> uuid_v7(std::string_view text);

}  // namespace parley
