#include "app/peers.h"

#include <fmt/format.h>
#include <thread>

namespace parley::app {
namespace {
// A process that was started again is found within this. One packet is what an attempt costs.
constexpr std::chrono::milliseconds kLongestPause{500};

rpc::Link::Settings link_settings(const std::string& process) {
  rpc::Link::Settings settings;
  settings.process = process;
  settings.longest_pause = kLongestPause;
  return settings;
}

rpc::Channel::Settings channel_settings(const std::string& address, rpc::SecurityPtr security) {
  return {.address = address, .longest_pause = kLongestPause, .security = std::move(security)};
}

void add_name(std::string& names, const std::string& name) {
  names += (names.empty() ? "" : ", ") + name;
}

std::string line(const std::string& what, const rpc::Link::Missing& missing) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - missing.since);
  return fmt::format("{} is missing since {} s: {}\n", what, since.count(), missing.why);
}

template <class There>
void gauge(Metrics& metrics, const std::string& names, bool needed, There is_there) {
  metrics.gauge_of("parley_peer_up", "Whether another process, which this one speaks to, is there",
                   [is_there] { return is_there() ? 1 : 0; },
                   {{"peer", names}, {"needed", needed ? "yes" : "no"}});
}
}  // namespace

rpc::Link& Peers::at(const std::string& address, const std::string& name, bool needed) {
  auto& peer = by_address_[address];
  peer.needed |= needed;
  add_name(peer.names, name);
  if (!peer.link) {
    peer.channel = std::make_unique<rpc::Channel>(channel_settings(address, security_));
    peer.link = std::make_unique<rpc::Link>(loops_, by_address_.size() % loops_.size(),
                                            *peer.channel, link_settings(process_));
  }
  return *peer.link;
}

rpc::Pool& Peers::pool(const std::string& pool, const std::string& name, bool needed) {
  auto& pooled = pools_[pool];
  pooled.needed |= needed;
  add_name(pooled.names, name);
  if (!pooled.pool)
    pooled.pool = std::make_unique<rpc::Pool>(loops_, link_settings(process_),
                                              channel_settings({}, security_));
  return *pooled.pool;
}

void Peers::start() {
  for (auto& [address, peer] : by_address_) peer.link->start();
  for (auto& [name, pooled] : pools_) pooled.pool->start();
}

void Peers::stop() {
  for (auto& [address, peer] : by_address_) peer.link->stop();
  for (auto& [address, peer] : by_address_) peer.channel->stop();
  for (auto& [name, pooled] : pools_) pooled.pool->stop();
}

Result<void> Peers::wait_for(const std::string& address, const std::stop_token& stop) const {
  const auto at = by_address_.find(address);
  while (at != by_address_.end() && at->second.link->missing()) {
    if (stop.stop_requested())
      return fail(Code::unavailable, fmt::format("{} is missing", at->second.names));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

std::string Peers::missing() const {
  std::string out;
  for (const auto& [address, peer] : by_address_)
    if (const auto missing = peer.link->missing())
      out += line(fmt::format("{} at {}", peer.names, address), *missing);
  for (const auto& [name, pooled] : pools_)
    if (const auto missing = pooled.pool->missing()) {
      const auto addresses = pooled.pool->addresses();
      out += line(fmt::format("{}{}{}", pooled.names, addresses.empty() ? "" : " at ",
                              fmt::join(addresses, ", ")),
                  *missing);
    }
  return out;
}

void Peers::measure(Metrics& metrics) const {
  for (const auto& [address, peer] : by_address_)
    gauge(metrics, peer.names, peer.needed, [link = peer.link.get()] { return !link->missing(); });
  for (const auto& [name, pooled] : pools_)
    gauge(metrics, pooled.names, pooled.needed,
          [pool = pooled.pool.get()] { return !pool->missing(); });
}

bool Peers::all_there() const {
  for (const auto& [address, peer] : by_address_)
    if (peer.needed && peer.link->missing()) return false;
  for (const auto& [name, pooled] : pools_)
    if (pooled.needed && pooled.pool->missing()) return false;
  return true;
}

}  // namespace parley::app
