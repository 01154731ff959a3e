#pragma once
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace parley {

/// Up to when everything that changed for a user was read from the store for a device. Opaque to
/// clients.
struct Cursor {
  std::uint64_t epoch = 0;  // of the store; another one: everything is read again
  TimeMs time;              // hybrid time of the store's node

  std::string text() const;
  /// An empty text is the cursor of a new device: all zero.
  static Result<Cursor> parse(std::string_view text);
  bool operator==(const Cursor&) const = default;
};

/// A resume reads again this much before its cursor: the bound within which nodes' clocks agree.
inline constexpr std::int64_t kResumeOverlapMs = 5'000;

}  // namespace parley
