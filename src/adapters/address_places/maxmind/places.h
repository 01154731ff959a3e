#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "ports/address_places.h"

namespace parley::address_places {

/// What a file in MaxMind's format (version 2.0) says: its records' `location.latitude` and
/// `location.longitude`, as in GeoLite2 City and its like. The file is copied into memory: what
/// becomes of it later changes nothing.
class MaxmindPlaces : public AddressPlaces {
 public:
  /// One sentence for a person, with the path: `not_found`: it cannot be read; `damaged`: it is no
  /// such file, or a damaged one; `invalid_argument`: no record of it has a location.
  static Result<std::unique_ptr<MaxmindPlaces>> open(const std::string& path);
};

}  // namespace parley::address_places
