#include <fmt/format.h>

#include "parley/v1/rest.pb.h"
#include "services/gateway/rest/call.h"

// Where to connect.
namespace parley::gateway::rest {
namespace {

constexpr std::uint32_t kTtlSeconds = 30;  // what gateways say of themselves is seconds old
constexpr std::size_t kGateways = 3, kMostGateways = 10;

Result<double> degrees(const Call& call, std::string_view name, double most) {
  const auto value = parse_degrees(call.text(name));
  if (value && *value >= -most && *value <= most) return *value;
  return fail(Code::invalid_argument,
              fmt::format("{} is a number of degrees, -{} to {}", name, most, most),
              std::string(name));
}

Result<Seeker> seeker_of(const Call& call) {
  Seeker seeker{.at = {},
                .zone = call.text("zone"),
                .address = call.request.remote_address,
                .last = call.text("last")};
  if (call.query.contains("latitude") || call.query.contains("longitude")) {
    PARLEY_TRY(latitude, degrees(call, "latitude", 90));
    PARLEY_TRY(longitude, degrees(call, "longitude", 180));
    seeker.at = {latitude, longitude};
    if (!seeker.zone.empty())
      return fail(Code::invalid_argument, "give a zone or coordinates, not both", "zone");
  }
  PARLEY_TRY(limit, call.number("limit"));
  if (limit > kMostGateways)
    return fail(Code::invalid_argument, fmt::format("at most {} are named", kMostGateways),
                "limit");
  seeker.limit = limit ? limit : kGateways;
  return seeker;
}

Awaitable<Answer> connect_to_server(Call& call) {
  PARLEY_CO_TRY(seeker, seeker_of(call));
  PARLEY_CO_TRY(best, call.services().discovery.recommend(seeker));
  v1::ConnectAnswer out;
  for (auto& one : best) {
    auto& gateway = *out.add_gateways();
    const auto* scheme = call.context.shared.settings.edge.tls ? "wss" : "ws";
    gateway.set_url(one.url.empty()
                        ? fmt::format("{}://{}/v1/ws", scheme, call.request.header("Host"))
                        : std::move(one.url));
    gateway.set_zone(std::move(one.zone));
  }
  out.set_ttl_seconds(kTtlSeconds);
  co_return json(out);
}

}  // namespace

std::vector<Route> connect_routes() {
  return {{"GET", "/v1/connect", "connectToServer", Route::Access::anyone, connect_to_server}};
}

}  // namespace parley::gateway::rest
