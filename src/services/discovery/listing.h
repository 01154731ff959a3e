#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/discovery/ranking.h"

namespace parley::discovery {

/// The kind of member as which a gateway is listed (ports/membership.h).
inline constexpr const char* kGatewayKind = "gateway";

/// The attributes of a gateway's member, for people to read, too: a line `name=value` for each of
/// `url`, `zone`, `at` (as coordinates are written), `admin`, `capacity`, `load` and `state`
/// (`open`, `not_ready` or `draining`); `zone`, `at` and `admin` where there is one.
std::string to_attributes(const GatewayRow& row);

/// Unknown names are ignored: another version's. `malformed`: no URL or capacity, or a value that
/// is none.
Result<GatewayRow> from_attributes(std::string_view attributes);

}  // namespace parley::discovery
