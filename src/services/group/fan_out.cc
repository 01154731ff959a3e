#include "services/group/fan_out.h"

#include <algorithm>

namespace parley::group {

FanOut::Part& FanOut::part(GatewayId gateway) {
  const auto at = std::ranges::find(parts_, gateway, &Part::gateway);  // a few
  return at != parts_.end() ? *at : parts_.emplace_back(gateway, std::vector<Delivery>{});
}

void FanOut::add(const EntryPtr& entry, UserId user, std::span<const GatewayId> gateways) {
  for (const auto gateway : gateways) {
    auto& entries = part(gateway).entries;
    if (entries.empty() || entries.back().entry != entry) entries.push_back({entry, {}, Origin(0)});
    entries.back().recipients.push_back(user);
  }
}

void FanOut::send() {
  for (auto& [gateway, entries] : parts_)
    if (auto* reached = reach_(gateway)) reached->deliver(std::move(entries));
  parts_.clear();
}

}  // namespace parley::group
