#include "services/discovery/ranking.h"

#include <gtest/gtest.h>
#include <map>

namespace parley::discovery {
namespace {

constexpr Coordinates kFrankfurt{50.11, 8.68}, kBonn{50.73, 7.10}, kParis{48.86, 2.35},
    kNewYork{40.71, -74.01}, kSydney{-33.87, 151.21};

GatewayRow row(std::string url, std::optional<Coordinates> at, std::uint64_t load = 0,
               std::uint64_t capacity = 100, std::string zone = "") {
  return {std::move(url), std::move(zone), at, capacity, load};
}
GatewayRow in_zone(std::string zone, std::optional<Coordinates> at = {}) {
  return row(zone + "-gateway", at, 0, 100, zone);
}
GatewayRow not_ready(GatewayRow of) {
  of.ready = false;
  return of;
}
GatewayRow draining(GatewayRow of) {
  of.draining = true;
  return of;
}

std::vector<std::string> urls(const std::vector<const GatewayRow*>& rows) {
  std::vector<std::string> out;
  for (const auto* one : rows) out.push_back(one->url);
  return out;
}

struct Case {
  const char* name;
  std::vector<GatewayRow> rows;
  Whereabouts client;
  std::string last;
  std::vector<std::string> best;  // of up to 10
};

const Case kCases[] = {
    {"nobody", {}, {}, "", {}},
    {"the nearest first, whatever it is called and wherever in the list",
     {row("c", kSydney), row("a", kNewYork), row("b", kFrankfurt)},
     {.at = kParis},
     "",
     {"b", "a", "c"}},
    {"who is full is left out",
     {row("a", kFrankfurt, 100), row("b", kNewYork, 99)},
     {.at = kParis},
     "",
     {"b"}},
    {"more than full", {row("a", kFrankfurt, 120)}, {.at = kParis}, "", {}},
    {"no capacity at all", {row("a", kFrankfurt, 0, 0)}, {.at = kParis}, "", {}},
    {"who drains is left out",
     {draining(row("a", kFrankfurt)), row("b", kNewYork)},
     {.at = kParis},
     "",
     {"b"}},
    {"who is not ready comes after all who are",
     {not_ready(row("a", kFrankfurt)), row("b", kSydney), not_ready(row("c", kNewYork))},
     {.at = kParis},
     "",
     {"b", "a", "c"}},
    {"a far one comes second, not first, while a near one has one place left",
     {row("far", kSydney, 0, 1'000'000), row("near", kFrankfurt, 99)},
     {.at = kParis},
     "",
     {"near", "far"}},
    {"its own zone is nearest",
     {in_zone("b"), in_zone("a")},
     {.zone = "a"},
     "",
     {"a-gateway", "b-gateway"}},
    {"after its own zone by the distance from it",
     {in_zone("syd", kSydney), in_zone("nyc", kNewYork), in_zone("fra", kFrankfurt)},
     {.at = kFrankfurt, .zone = "fra"},
     "",
     {"fra-gateway", "nyc-gateway", "syd-gateway"}},
    {"whose place is unknown is the farthest",
     {row("b", {}), row("a", kSydney)},
     {.at = kParis},
     "",
     {"a", "b"}},
    {"the last one first among equals",
     {row("a", kFrankfurt), row("b", kBonn, 10, 10'000), row("c", kFrankfurt)},
     {.at = kParis},
     "a",
     {"a", "b", "c"}},
    {"the last one, where it is far, is no better than others",
     {row("a", kSydney), row("b", kFrankfurt)},
     {.at = kParis},
     "a",
     {"b", "a"}},
    {"the last one, where it is full, is left out",
     {row("a", kFrankfurt, 100), row("b", kFrankfurt)},
     {.at = kParis},
     "a",
     {"b"}},
    {"of several behind one balancer one",
     {row("a", kFrankfurt, 99), draining(row("a", kFrankfurt)), row("a", kFrankfurt, 50)},
     {.at = kParis},
     "",
     {"a"}},
};

TEST(Ranking, OrdersByHealthThenDistanceThenRoom) {
  for (const auto& one : kCases) {
    // What chance decides is none of these cases' matter, but for the third place of one.
    std::mt19937_64 random(4);
    const Ranking ranking(one.rows);
    EXPECT_EQ(urls(ranking.best(one.client, one.last, 10, random)), one.best) << one.name;
  }
}

TEST(Ranking, AnswersAtMostTheLimitAndNobodyTwice) {
  std::vector<GatewayRow> rows;
  for (int i = 0; i < 20; ++i) rows.push_back(row(std::to_string(i), i % 2 ? kFrankfurt : kSydney));
  const Ranking ranking(rows);
  std::mt19937_64 random(1);
  for (std::size_t limit = 1; limit <= 20; ++limit) {
    auto best = urls(ranking.best({.at = kParis}, "", limit, random));
    EXPECT_EQ(best.size(), limit);
    std::ranges::sort(best);
    EXPECT_EQ(std::ranges::unique(best).size(), 0u);
  }
}

TEST(Ranking, OneThatIsMuchMoreLoadedThanItsEqualsIsNotKeptToForItsPast) {
  std::mt19937_64 random(1);
  const auto first_of = [&](std::uint64_t load) {
    const Ranking ranking(
        {row("last", kFrankfurt, load, 1'000), row("b", kFrankfurt, 200, 10'000)});
    std::size_t first = 0;
    for (int i = 0; i < 1'000; ++i)
      first += ranking.best({.at = kParis}, "last", 1, random).front()->url == "last";
    return first;
  };
  EXPECT_EQ(first_of(100), 1'000u);
  EXPECT_LT(first_of(900), 100u) << "by its free capacity, 1 in 99";
}

/// Clients come one after the other, each to the first that it is told; what gateways say of their
/// load is as old as `lag` clients. How many each got.
std::map<std::string, std::uint64_t> come(std::vector<GatewayRow> rows, int clients, int lag,
                                          Whereabouts client) {
  std::mt19937_64 random(7);
  std::map<std::string, std::uint64_t> got;
  std::optional<Ranking> ranking;
  for (int i = 0; i < clients; ++i) {
    if (i % lag == 0) {
      for (auto& one : rows) one.load = got[one.url];
      ranking.emplace(rows);
    }
    const auto best = ranking->best(client, "", 3, random);
    if (best.empty()) {
      ADD_FAILURE() << "nobody has room for client " << i;
      break;
    }
    ++got[best.front()->url];
  }
  return got;
}

TEST(Ranking, TenThousandClientsSpreadByCapacityWithinATenth) {
  const std::vector<GatewayRow> rows{row("1k", kFrankfurt, 0, 1'000),
                                     row("2k", kFrankfurt, 0, 2'000), row("3k", kBonn, 0, 3'000),
                                     row("6k", kBonn, 0, 6'000), row("far", kSydney, 0, 100'000)};
  for (const int lag : {1, 500, 2'000}) {
    const auto got = come(rows, 10'000, lag, {.at = kFrankfurt});
    for (const auto& [url, count] : got) {
      const double share = url == "far" ? 0 : 10'000.0 * (url[0] - '0') / 12;
      EXPECT_NEAR(static_cast<double>(count), share, share / 10) << url << ", lag " << lag;
    }
  }
}

TEST(Ranking, AFarOneIsUsedOnlyWhenTheNearOnesAreFull) {
  const std::vector<GatewayRow> rows{row("a", kFrankfurt, 0, 1'000), row("b", kBonn, 0, 500),
                                     row("far", kNewYork, 0, 10'000)};
  EXPECT_EQ(come(rows, 1'500, 1, {.at = kParis}),
            (std::map<std::string, std::uint64_t>{{"a", 1'000}, {"b", 500}, {"far", 0}}));
  EXPECT_EQ(come(rows, 2'000, 1, {.at = kParis}),
            (std::map<std::string, std::uint64_t>{{"a", 1'000}, {"b", 500}, {"far", 500}}));
}

}  // namespace
}  // namespace parley::discovery
