#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace parley {

/// A place on Earth, in degrees (WGS 84): latitude -90 to 90, longitude -180 to 180.
struct Coordinates {
  double latitude = 0;
  double longitude = 0;

  bool valid() const;  // neither beyond its range nor a NaN
  bool operator==(const Coordinates&) const = default;
};

/// Along a great circle of a sphere of 6,371 km, by the haversine: within 0.6 % of the ellipsoid's.
double distance_km(const Coordinates& a, const Coordinates& b);

/// A whole text that is one finite number, as `50.11`, `-7` or `1e-6`.
std::optional<double> parse_degrees(std::string_view text);
/// `50.11,8.68`: latitude, longitude. None if they are not valid.
std::optional<Coordinates> parse_coordinates(std::string_view text);
/// What `parse_coordinates` reads: the same numbers.
std::string text_of(const Coordinates& at);

}  // namespace parley
