#include "domain/coordinates.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace parley {
namespace {

constexpr double kEarthKm = 6'371;

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

}  // namespace

bool Coordinates::valid() const {
  return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180;
}

double distance_km(const Coordinates& a, const Coordinates& b) {
  const double up = std::sin(radians(b.latitude - a.latitude) / 2);
  const double across = std::sin(radians(b.longitude - a.longitude) / 2);
  const double chord =
      up * up + std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) * across * across;
  return 2 * kEarthKm * std::asin(std::sqrt(std::min(1.0, chord)));
}

std::optional<double> parse_degrees(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<Coordinates> parse_coordinates(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto latitude = parse_degrees(text.substr(0, comma));
  const auto longitude = parse_degrees(text.substr(comma + 1));
  if (!latitude || !longitude) return std::nullopt;
  const Coordinates at{*latitude, *longitude};
  return at.valid() ? std::optional(at) : std::nullopt;
}

std::string text_of(const Coordinates& at) {
  // The fewest digits that give the number again; no exponent, for people.
  char text[1'000];
  const auto write = [&](char* to, double value) {
    return std::to_chars(to, text + sizeof text, value, std::chars_format::fixed).ptr;
  };
  auto* end = write(text, at.latitude);
  *end++ = ',';
  return {text, write(end, at.longitude)};
}

}  // namespace parley
