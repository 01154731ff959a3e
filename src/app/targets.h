#pragma once
#include <set>
#include <string>
#include <vector>

#include "app/config.h"

namespace parley::app {

/// The services that a process runs.
struct Targets {
  std::set<std::string, std::less<>> names;
  bool all = true;  // every one of them: no other process is spoken to

  std::string text() const;
};

/// `all`, or names separated by commas. auth and user share a store: one implies the other.
Result<Targets> parse_targets(std::string_view text);

/// Whether the configuration says where everything is that these services need or offer.
Result<void> check_addresses(const Config& config, const Targets& targets);

/// Where other processes find a service; empty: not said.
const std::string& address_of(const Config& config, std::string_view service);
/// Where the message processes are found that share conversations, by id.
Result<std::vector<std::pair<std::uint64_t, std::string>>> messages_of(const Config& config);
/// Where gateways are found, by id.
Result<std::vector<std::pair<GatewayId, std::string>>> gateways_of(const Config& config);

}  // namespace parley::app
