#pragma once
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <set>

#include "api/session.h"
#include "rpc/pending.h"
#include "rpc/router.h"

namespace parley::rpc {

/// SessionApi of another process, over the link. What its users said and the other side may have
/// missed is said again: after a break, the next heartbeat is answered as from a service that does
/// not know the gateway; a subscriber is told who is online from the start. While the service
/// cannot be asked, `locate` answers that everybody may be at every gateway: each of them knows
/// who is really there, so that messages arrive although the service is down.
class SessionClient final : public SessionApi, public LinkUser {
 public:
  SessionClient(Link& link, std::vector<GatewayId> gateways);

  void subscribe(SessionListener& listener, std::size_t loop) override;
  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void heartbeat(GatewayId gateway, std::move_only_function<void(bool known)> answer) override;
  void gateway_gone(GatewayId gateway) override;
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override;

  void on_open(v1::Frame& first) override;
  void on_frame(v1::Frame& frame) override;
  void on_lost(const Error& why) override;
  void on_tick() override;

 private:
  struct Locate {
    std::vector<UserId> users;
    std::move_only_function<void(std::vector<Location>)> found;
    std::size_t loop;
  };
  struct Heartbeat {
    GatewayId gateway;
    std::move_only_function<void(bool)> answer;
    std::size_t loop;
  };
  void found(Locate asked, std::vector<Location> rows);
  void found_everywhere(Locate asked);
  void beat(Heartbeat asked, bool known);
  void tell(const v1::Frame& frame);

  Link& link_;
  const std::vector<GatewayId> gateways_;
  Pending<Locate> locates_;
  Pending<Heartbeat> heartbeats_;
  std::set<GatewayId> said_;  // gateways of this process that the other side has known

  // Of the subscriber.
  SessionListener* listener_ = nullptr;
  std::size_t listener_loop_ = 0;
  using Users = boost::unordered_flat_set<UserId, std::hash<UserId>>;
  Users online_;          // those that it was told of
  Users not_said_again_;  // since the stream was made again
  std::set<GatewayId> seen_, not_seen_again_;
  bool from_start_ = false;
};

/// Answers for the session service of this process. Until all of `gateways` were heard of, or
/// `settle` is over, nobody knows who is where: `locate` is then answered `unavailable`.
void serve(Router& router, Loops& loops, SessionApi& sessions, std::vector<GatewayId> gateways,
           std::chrono::milliseconds settle = std::chrono::seconds(8));

}  // namespace parley::rpc
