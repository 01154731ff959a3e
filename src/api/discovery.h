#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/coordinates.h"

namespace parley {

/// What is known of a client that looks for a gateway. Where it is: by `at`, else `zone`, else what
/// is known of `address`; if that is nothing, it is taken to be where the process is that is asked.
struct Seeker {
  std::optional<Coordinates> at = {};
  std::string_view zone = {};     // empty: not said
  std::string_view address = {};  // numeric, of its connection
  std::string_view last = {};     // the URL of the gateway that it used last; empty: none
  std::size_t limit = 3;
};

struct RecommendedGateway {
  std::string url;  // of its WebSocket; empty: the address at which the client asks
  std::string zone;
};

/// Which gateway a client should connect to. In memory, does not block; any thread.
class DiscoveryApi {
 public:
  virtual ~DiscoveryApi() = default;
  /// At least one and at most `limit`, the best first. `invalid_argument` (`zone`): no gateway is
  /// or was in a zone of that name. `unavailable`, with retry_after_ms: no gateway has room.
  virtual Result<std::vector<RecommendedGateway>> recommend(const Seeker& seeker) = 0;
};

}  // namespace parley
