#pragma once
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <random>
#include <string>

#include "adapters/shared/redis/client.h"
#include "ports/session_registry.h"

namespace parley::session_registry {

struct RedisSettings {
  std::string prefix = "parley:session:";  // of all keys; processes that share it share rows
  std::chrono::milliseconds gateway_timeout{15'000};  // silent for so long: its tenure is over
  /// How long after rows may have been lost nobody can be found: gateways heartbeat every 5 s, and
  /// have then said again who is on them.
  std::chrono::milliseconds settle{8'000};
};

/// On the client's loop. Made before the client starts; several processes may share the rows.
class RedisRegistry final : public SessionRegistry {
 public:
  explicit RedisRegistry(redis::Client& client, RedisSettings settings = {});

  void update(GatewayId gateway, std::vector<Presence> changes, bool report,
              Changed changed) override;
  void heartbeat(GatewayId gateway, Known known) override;
  void remove_gateway(GatewayId gateway, bool report, Changed changed) override;
  void find(std::span<const UserId> users, Found found) override;

 private:
  struct Removing;
  void open();
  void remove_next(std::shared_ptr<Removing> removing);
  void unsettle() { settled_ = std::chrono::steady_clock::now() + settings_.settle; }
  std::string random_name();

  redis::Client& client_;
  const RedisSettings settings_;
  const std::string timeout_ms_;
  const redis::Script update_, heartbeat_, end_, remove_, find_;
  std::mt19937_64 random_;
  std::string epoch_;  // which filling of Redis is known here; empty: none
  std::chrono::steady_clock::time_point settled_{};
};

}  // namespace parley::session_registry
