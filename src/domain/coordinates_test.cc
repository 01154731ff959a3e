#include "domain/coordinates.h"

#include <gtest/gtest.h>
#include <limits>

namespace parley {
namespace {

constexpr Coordinates kFrankfurt{50.11, 8.68}, kNewYork{40.71, -74.01}, kSydney{-33.87, 151.21},
    kTokyo{35.68, 139.69}, kHonolulu{21.31, -157.86};

TEST(Coordinates, AreWithinTheirRanges) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE((Coordinates{90, 180}).valid());
  EXPECT_TRUE((Coordinates{-90, -180}).valid());
  for (const auto& bad : {Coordinates{90.01, 0}, Coordinates{-90.01, 0}, Coordinates{0, 180.01},
                          Coordinates{0, -180.01}, Coordinates{nan, 0}, Coordinates{0, nan}})
    EXPECT_FALSE(bad.valid()) << bad.latitude << " " << bad.longitude;
}

// The figures are those of the ellipsoid (GeographicLib), to which a sphere comes within 0.6 %.
TEST(Coordinates, DistancesAreThoseOfTheGlobe) {
  const auto near = [](double km, double expected) {
    return std::abs(km - expected) < expected / 165;
  };
  EXPECT_TRUE(near(distance_km(kFrankfurt, kNewYork), 6'219)) << distance_km(kFrankfurt, kNewYork);
  EXPECT_TRUE(near(distance_km(kSydney, kTokyo), 7'792)) << distance_km(kSydney, kTokyo);
  // Across the date line, not around the globe.
  EXPECT_TRUE(near(distance_km(kTokyo, kHonolulu), 6'216)) << distance_km(kTokyo, kHonolulu);
  EXPECT_EQ(distance_km(kTokyo, kTokyo), 0);
  EXPECT_NEAR(distance_km({0, 0}, {0, 180}), 20'015, 1);
  EXPECT_NEAR(distance_km({90, 0}, {90, 120}), 0, 1e-6) << "the pole is one place";
}

TEST(Coordinates, AreReadAsTheyAreWritten) {
  for (const auto& at : {kFrankfurt, kSydney, Coordinates{0, 0}, Coordinates{-0.1, 1e-7},
                         Coordinates{1.0 / 3, -100.0 / 3}, Coordinates{5e-324, -180}})
    EXPECT_EQ(parse_coordinates(text_of(at)), at) << text_of(at);
  EXPECT_EQ(text_of(kFrankfurt), "50.11,8.68");
  for (const auto* bad : {"", ",", "1", "1,", ",1", "1,2,3", "1, 2", " 1,2", "91,0", "0,181",
                          "nan,0", "inf,0", "0x1,0", "+1,2", "1;2"})
    EXPECT_FALSE(parse_coordinates(bad)) << bad;
}

}  // namespace
}  // namespace parley
