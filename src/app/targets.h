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

/// What server.target names: `all`, or names separated by commas. auth and user share a store: one
/// implies the other, unless that is in MySQL and the configuration says where user is.
Result<Targets> parse_targets(const Config& config);

/// Whether the configuration says where everything is that these services need or offer.
Result<void> check_addresses(const Config& config, const Targets& targets);

/// Where other processes find auth or user, of which there may be several processes.
struct Replicas {
  std::string kind;                    // as which they list themselves in ZooKeeper, or
  std::vector<std::string> addresses;  // all of them
};
Replicas replicas_of(const Config& config, std::string_view service);
bool may_be_several(std::string_view service);

/// Where a service that runs here listens, which is where others find it unless it is one of
/// several; empty: not said.
const std::string& address_of(const Config& config, std::string_view service);
/// Where the message processes are found that share conversations, by id.
Result<std::vector<std::pair<std::uint64_t, std::string>>> messages_of(const Config& config);
/// Where gateways are found, by id.
Result<std::vector<std::pair<GatewayId, std::string>>> gateways_of(const Config& config);

}  // namespace parley::app
