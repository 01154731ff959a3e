#pragma once
#include <optional>
#include <string_view>

#include "domain/coordinates.h"

namespace parley {

/// Where on Earth network addresses are, roughly, as far as is known. What is known is read once,
/// when the adapter is made, and is in memory: an answer does not block. Any thread.
class AddressPlaces {
 public:
  virtual ~AddressPlaces() = default;
  /// `address`: numeric, IPv4 or IPv6; an IPv4 address within IPv6 (`::ffff:a.b.c.d`) is that of
  /// IPv4. None: nothing is known of it, as of private addresses, or it is no address.
  virtual std::optional<Coordinates> find(std::string_view address) const = 0;
};

}  // namespace parley
