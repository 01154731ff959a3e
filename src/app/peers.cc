#include "app/peers.h"

#include <fmt/format.h>
#include <thread>

namespace parley::app {
namespace {
// A process that was started again is found within this. One packet is what an attempt costs.
constexpr std::chrono::milliseconds kLongestPause{500};
}  // namespace

rpc::Link& Peers::at(const std::string& address, const std::string& name, bool needed) {
  auto& peer = by_address_[address];
  peer.needed |= needed;
  peer.names += (peer.names.empty() ? "" : ", ") + name;
  if (!peer.link) {
    peer.channel = std::make_unique<rpc::Channel>(rpc::Channel::Settings{
        .address = address, .longest_pause = kLongestPause, .security = security_});
    rpc::Link::Settings settings;
    settings.process = process_;
    settings.longest_pause = kLongestPause;
    peer.link = std::make_unique<rpc::Link>(loops_, by_address_.size() % loops_.size(),
                                            *peer.channel, std::move(settings));
  }
  return *peer.link;
}

void Peers::start() {
  for (auto& [address, peer] : by_address_) peer.link->start();
}

void Peers::stop() {
  for (auto& [address, peer] : by_address_) peer.link->stop();
  for (auto& [address, peer] : by_address_) peer.channel->stop();
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
    if (const auto missing = peer.link->missing()) {
      const auto since = std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::steady_clock::now() - missing->since);
      out += fmt::format("{} at {} is missing since {} s: {}\n", peer.names, address, since.count(),
                         missing->why);
    }
  return out;
}

void Peers::measure(Metrics& metrics) const {
  for (const auto& [address, peer] : by_address_)
    metrics.gauge_of("parley_peer_up",
                     "Whether another process, which this one speaks to, is there",
                     [link = peer.link.get()] { return link->missing() ? 0 : 1; },
                     {{"peer", peer.names}, {"needed", peer.needed ? "yes" : "no"}});
}

bool Peers::all_there() const {
  for (const auto& [address, peer] : by_address_)
    if (peer.needed && peer.link->missing()) return false;
  return true;
}

}  // namespace parley::app
