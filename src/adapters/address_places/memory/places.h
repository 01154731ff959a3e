#pragma once
#include <map>
#include <string>

#include "ports/address_places.h"

namespace parley::address_places {

/// Knows single addresses, and by default none.
class MemoryPlaces final : public AddressPlaces {
 public:
  using Places = std::map<std::string, Coordinates, std::less<>>;
  MemoryPlaces() = default;
  explicit MemoryPlaces(Places places) : places_(std::move(places)) {}

  std::optional<Coordinates> find(std::string_view address) const override {
    constexpr std::string_view kMapped = "::ffff:";
    if (address.starts_with(kMapped) && address.contains('.'))
      address.remove_prefix(kMapped.size());
    const auto at = places_.find(address);
    return at == places_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  const Places places_;
};

}  // namespace parley::address_places
