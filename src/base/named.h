#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace parley {

/// A number with a name: a `Seq` cannot be passed where a `MessageId` is wanted. As cheap as its
/// number.
template <class Tag, class Rep>
struct Named {
  using rep = Rep;
  Rep value{};

  constexpr Named() = default;
  explicit constexpr Named(Rep v) : value(v) {}
  constexpr explicit operator bool() const { return value != Rep{}; }
  constexpr auto operator<=>(const Named&) const = default;
};

}  // namespace parley

template <class Tag, class Rep>
struct std::hash<parley::Named<Tag, Rep>> {
  std::size_t operator()(const parley::Named<Tag, Rep>& v) const noexcept {
    // Ids are Snowflakes whose low bits repeat: mix them (the finalizer of MurmurHash3).
    auto x = static_cast<std::uint64_t>(v.value);
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    return x;
  }
};
