#include "services/discovery/discovery_service.h"

#include <gtest/gtest.h>

#include "adapters/address_places/memory/places.h"
#include "services/discovery/listing.h"

namespace parley::discovery {
namespace {

constexpr Coordinates kFrankfurt{50.11, 8.68}, kSydney{-33.87, 151.21}, kNewYork{40.71, -74.01};

GatewayRow row(std::string zone, std::optional<Coordinates> at, std::uint64_t load = 0) {
  auto url = "wss://" + zone + "/v1/ws";
  return {std::move(url), std::move(zone), at, 100, load};
}
Member member(const GatewayRow& of) {
  return {kGatewayKind, "gateway-" + of.zone, "127.0.0.1:1", to_attributes(of)};
}

class Discovery : public testing::Test {
 protected:
  std::string first(const Seeker& seeker) {
    const auto best = discovery_.recommend(seeker);
    return best ? best->front().zone : best.error().message;
  }
  const address_places::MemoryPlaces places_{{{"192.0.2.1", kSydney}}};
  const GatewayRow nyc_ = row("nyc", kNewYork), fra_ = row("fra", kFrankfurt),
                   syd_ = row("syd", kSydney);
  DiscoveryService discovery_{nyc_, places_};
};

TEST_F(Discovery, BeforeThereIsAListItAnswersWithItself) {
  const auto best = discovery_.recommend({.at = kSydney, .limit = 10});
  ASSERT_TRUE(best);
  ASSERT_EQ(best->size(), 1u);
  EXPECT_EQ(best->front().url, nyc_.url);
  EXPECT_EQ(best->front().zone, "nyc");
}

TEST_F(Discovery, FindsWhereTheClientIsByWhatItSaysThenByItsAddressThenByWhomItAsks) {
  discovery_.set({member(fra_), member(nyc_), member(syd_)});
  EXPECT_EQ(first({.at = kFrankfurt, .address = "192.0.2.1"}), "fra");
  EXPECT_EQ(first({.zone = "fra", .address = "192.0.2.1"}), "fra");
  EXPECT_EQ(first({.address = "192.0.2.1"}), "syd");
  EXPECT_EQ(first({.address = "127.0.0.1"}), "nyc");
  EXPECT_EQ(discovery_.recommend({.limit = 2})->size(), 2u);
}

TEST_F(Discovery, AZoneIsKnownWhileItHasNobodyAndSoIsItsPlace) {
  discovery_.set({member(fra_), member(nyc_), member(syd_)});
  discovery_.set({member(nyc_), member(syd_)});
  EXPECT_EQ(first({.zone = "fra"}), "nyc") << "the nearest to Frankfurt";
  const auto unknown = discovery_.recommend({.zone = "moon"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::invalid_argument);
  EXPECT_EQ(unknown.error().field, "zone");
}

TEST_F(Discovery, SaysWhenToComeAgainWhereNobodyHasRoom) {
  for (const auto& members : {std::vector<Member>{}, {member(row("nyc", kNewYork, 100))}}) {
    discovery_.set(members);
    const auto none = discovery_.recommend({});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::unavailable);
    EXPECT_GT(none.error().retry_after_ms, 0u);
  }
}

TEST_F(Discovery, LeavesOutWhatItCannotRead) {
  auto broken = member(fra_);
  broken.attributes = "url";
  discovery_.set({broken, member(syd_)});
  EXPECT_EQ(first({.at = kFrankfurt}), "syd");
}

TEST_F(Discovery, IsAskedWhileTheListChanges) {
  std::thread sets([&] {
    for (std::uint64_t i = 0; i < 300; ++i)
      discovery_.set({member(row("fra", kFrankfurt, i % 100)), member(syd_)});
  });
  for (int i = 0; i < 3'000; ++i) EXPECT_TRUE(discovery_.recommend({.at = kFrankfurt}));
  sets.join();
  EXPECT_EQ(first({.at = kFrankfurt}), "fra");
}

}  // namespace
}  // namespace parley::discovery
