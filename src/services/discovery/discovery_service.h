#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "api/discovery.h"
#include "ports/address_places.h"
#include "ports/membership.h"
#include "services/discovery/ranking.h"

namespace parley::discovery {

/// Recommends gateways out of the list in its memory. Any thread.
class DiscoveryService final : public DiscoveryApi {
 public:
  /// `self`: the gateway that is asked, and until `set` the only one there is. `places` outlives
  /// this.
  DiscoveryService(GatewayRow self, const AddressPlaces& places);

  /// All gateways there are, as they list themselves: for Membership::watch. One that cannot be
  /// read is left out, and the log says so.
  void set(const std::vector<Member>& members);

  Result<std::vector<RecommendedGateway>> recommend(const Seeker& seeker) override;

 private:
  using Zones = std::map<std::string, std::optional<Coordinates>, std::less<>>;
  /// What a list comes to.
  struct Known {
    Ranking ranking;
    Zones zones;  // all that ever had a gateway, with the place of one
  };
  static std::shared_ptr<const Known> know(std::vector<GatewayRow> rows, Zones zones);
  Result<Whereabouts> whereabouts(const Seeker& seeker, const Known& known) const;

  const GatewayRow self_;
  const AddressPlaces& places_;
  std::mutex mutex_;
  std::shared_ptr<const Known> known_;
};

}  // namespace parley::discovery
