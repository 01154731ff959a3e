#include "app/discovery.h"

#include <fmt/format.h>

#include "adapters/address_places/maxmind/places.h"
#include "adapters/address_places/memory/places.h"
#include "app/process.h"
#include "base/log.h"
#include "services/discovery/listing.h"

namespace parley::app {
namespace {

constexpr std::chrono::seconds kDrainPatience{2};

discovery::GatewayRow row_of(const Config& config) {
  const auto& at = config.discovery.coordinates;
  return {.url = config.discovery.advertised_url,
          .zone = config.discovery.zone,
          .at = at.empty() ? std::nullopt : parse_coordinates(at),
          .capacity = config.gateway.edge.max_connections};
}

}  // namespace

Result<void> open_places(Process& p) {
  const auto& file = p.config.discovery.address_places;
  if (file.empty()) {
    p.places = std::make_unique<address_places::MemoryPlaces>();
    return {};
  }
  auto opened = address_places::MaxmindPlaces::open(file);
  if (!opened)
    return fail(opened.error().code, "gateway.address_places: " + opened.error().message);
  p.places = std::move(*opened);
  return {};
}

void make_discovery(Process& p) {
  p.discovery = std::make_unique<discovery::DiscoveryService>(row_of(p.config), *p.places);
  if (p.cluster)
    p.cluster->membership().watch(
        discovery::kGatewayKind,
        [&p](const std::vector<Member>& members) { p.discovery->set(members); });
}

void list_gateway(Process& p) {
  if (!p.cluster) return;
  const auto id = std::to_string(p.config.gateway_id);
  const auto peers = p.config.gateways.find(id);
  discovery::Registration::Settings settings{
      .id = "gateway-" + id,
      .address = peers == p.config.gateways.end() ? p.listen.text() : peers->second,
      .row = row_of(p.config)};
  settings.row.admin = p.admin_listen.text();
  if (settings.row.url.empty())
    settings.row.url =
        fmt::format("{}://{}/v1/ws", p.config.gateway.edge.tls ? "wss" : "ws", p.listen.text());
  p.registration = std::make_unique<discovery::Registration>(
      p.cluster->membership(), std::move(settings),
      [&p] { return discovery::Registration::Now{p.gateway->connections(), p.all_there()}; });
}

void drain_discovery(Process& p) {
  if (p.registration && !p.registration->drain(kDrainPatience))
    log::warn("discovery",
              "event=not_drained: clients may be sent here until this process is gone");
}

}  // namespace parley::app
