#pragma once
#include <span>

#include "api/delivery.h"
#include "services/group/room.h"

namespace parley::group {

/// Collects entries and their recipients by gateway, and hands each gateway its part in one call.
/// The entries keep their order. One loop.
class FanOut {
 public:
  explicit FanOut(const ReachGateway& reach) : reach_(reach) {}

  void add(const EntryPtr& entry, UserId user, std::span<const GatewayId> gateways);
  void send();

 private:
  struct Part {
    GatewayId gateway;
    std::vector<Delivery> entries;
  };
  Part& part(GatewayId gateway);

  const ReachGateway& reach_;
  std::vector<Part> parts_;
};

}  // namespace parley::group
