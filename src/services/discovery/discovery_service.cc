#include "services/discovery/discovery_service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "services/discovery/listing.h"

namespace parley::discovery {
namespace {

constexpr std::uint32_t kAskAgainMs = 3'000;  // about as often as gateways say how loaded they are

std::mt19937_64& random() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return engine;
}

}  // namespace

DiscoveryService::DiscoveryService(GatewayRow self, const AddressPlaces& places)
    : self_(std::move(self)), places_(places), known_(know({self_}, {})) {}

std::shared_ptr<const DiscoveryService::Known> DiscoveryService::know(std::vector<GatewayRow> rows,
                                                                      Zones zones) {
  for (const auto& row : rows) {
    if (row.zone.empty()) continue;
    auto& at = zones[row.zone];
    if (!at) at = row.at;
  }
  return std::make_shared<const Known>(Ranking(std::move(rows)), std::move(zones));
}

void DiscoveryService::set(const std::vector<Member>& members) {
  std::vector<GatewayRow> rows;
  for (const auto& member : members) {
    auto row = from_attributes(member.attributes);
    if (row)
      rows.push_back(std::move(*row));
    else
      log::warn("discovery", "event=unreadable gateway={} reason=\"{}\"", member.id,
                row.error().message);
  }
  Zones zones;
  {
    const std::lock_guard lock(mutex_);
    zones = known_->zones;
  }
  auto known = know(std::move(rows), std::move(zones));
  const std::lock_guard lock(mutex_);
  known_ = std::move(known);
}

Result<Whereabouts> DiscoveryService::whereabouts(const Seeker& seeker, const Known& known) const {
  if (seeker.at) return Whereabouts{seeker.at, {}};
  if (!seeker.zone.empty()) {
    const auto zone = known.zones.find(seeker.zone);
    if (zone == known.zones.end())
      return fail(Code::invalid_argument,
                  fmt::format("there is no zone \"{}\"", seeker.zone.substr(0, 64)), "zone");
    return Whereabouts{zone->second, seeker.zone};
  }
  if (const auto at = places_.find(seeker.address)) return Whereabouts{at, {}};
  return Whereabouts{self_.at, self_.zone};
}

Result<std::vector<RecommendedGateway>> DiscoveryService::recommend(const Seeker& seeker) {
  std::shared_ptr<const Known> known;
  {
    const std::lock_guard lock(mutex_);
    known = known_;
  }
  PARLEY_TRY(client, whereabouts(seeker, *known));
  const auto best = known->ranking.best(client, seeker.last, seeker.limit, random());
  if (best.empty())
    return fail_for(Code::unavailable, "no gateway has room: ask again later", kAskAgainMs);
  std::vector<RecommendedGateway> out;
  for (const auto* row : best) out.push_back({row->url, row->zone});
  return out;
}

}  // namespace parley::discovery
