#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "domain/coordinates.h"

namespace parley::discovery {

/// A gateway as it says of itself.
struct GatewayRow {
  std::string url;   // of its WebSocket; unique, but for several behind one balancer
  std::string zone;  // empty: none
  std::optional<Coordinates> at;
  std::uint64_t capacity = 0;  // connections that it takes
  std::uint64_t load = 0;      // connections that it has, as of when it last said so
  bool ready = true;           // what it needs is there
  bool draining = false;       // it stops, and takes nobody
  std::string admin = {};      // of /readyz and /metrics; for operators

  bool operator==(const GatewayRow&) const = default;
};

/// Where a client is, as far as is known.
struct Whereabouts {
  std::optional<Coordinates> at = {};
  std::string_view zone = {};  // its gateways are at no distance, wherever they are
};

/// The gateways that take clients, prepared so that the best ones for a client are found quickly.
/// Immutable, so for any thread.
///
/// The order. Who drains or is full is left out. Then, in this order:
///   1. those that are ready;
///   2. the nearest: those at most `kAsNearKm` beyond the nearest one count as equally near, so
///      that one further away is first only when all the near ones are left out. Where a gateway's
///      place or the client's is unknown, they are as far apart as can be;
///   3. among equals, at random in proportion to their free capacity, because what they say of
///      their load is seconds old, and the emptiest would get everybody who asks meanwhile
///      (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006). All fill up
///      alike so. But first comes the one used last, unless its load is more than `kMoreLoaded`
///      above that of its equals: else those who left it once, when it was restarted, would never
///      come back.
class Ranking {
 public:
  static constexpr double kAsNearKm = 200;  // 2 ms there and back, in glass
  static constexpr double kMoreLoaded = 0.1;
  static constexpr double kUnknownKm = 20'015;  // half around the Earth

  /// Gateways of one URL count as one.
  explicit Ranking(std::vector<GatewayRow> rows);

  /// At most `limit`, the best first; empty: none has room. They live as long as this.
  std::vector<const GatewayRow*> best(const Whereabouts& client, std::string_view last,
                                      std::size_t limit, std::mt19937_64& random) const;

 private:
  /// Gateways at one place: found together.
  struct Site {
    std::string zone;
    std::optional<Coordinates> at;
    bool ready;
    std::vector<GatewayRow> rows;
  };
  struct Reached {
    double km;
    const Site* site;
  };
  static void order(std::vector<const GatewayRow*>& equals, std::string_view last,
                    std::size_t limit, std::mt19937_64& random);

  std::vector<Site> sites_;
};

}  // namespace parley::discovery
