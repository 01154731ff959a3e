#pragma once
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <map>
#include <set>

#include "api/session.h"
#include "rpc/pending.h"
#include "rpc/router.h"

namespace parley::rpc {

/// SessionApi of another process, over the link. It keeps who is at the gateways of this process,
/// sends their heartbeats, and says everything again whenever the stream was made again or the
/// service does not know a gateway (any more); the gateway hears of the latter by its own next
/// heartbeat. A subscriber is told who is online from the start after a break. While the service
/// cannot be asked, `locate` answers that everybody may be at every gateway: each of them knows who
/// is really there, so that messages arrive although the service is down.
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
  using Users = boost::unordered_flat_set<UserId, std::hash<UserId>>;
  /// A gateway of this process.
  struct Own {
    Users users;
    // Who went, and of whom it is not certain yet that the service heard of it.
    Users left, left_before;
    bool new_to_service = true;  // the service may know an earlier process by this id
    bool introduced = false;     // its first heartbeat is under way: not known is no news
    bool forgotten = true;       // what the gateway's next heartbeat is told
    std::chrono::steady_clock::time_point next_beat{};
  };
  void beat(GatewayId gateway, Own& own);
  void say_all(GatewayId gateway, Own& own);
  void heard(GatewayId gateway, bool known);
  void watch(v1::Frame& first);
  void found(Locate asked, std::vector<Location> rows);
  void found_everywhere(Locate asked);
  void tell(const v1::Frame& frame);

  Link& link_;
  const std::vector<GatewayId> gateways_;
  Pending<Locate> locates_;
  Pending<GatewayId> heartbeats_;
  std::map<GatewayId, Own> own_;

  // Of the subscribers.
  struct Subscriber {
    SessionListener* listener;
    std::size_t loop;
  };
  std::vector<Subscriber> subscribers_;
  Users online_;          // those that they were told of
  Users not_said_again_;  // since the stream was made again
  std::set<GatewayId> seen_, not_seen_again_;
  bool from_start_ = false;
};

/// Answers for the session service of this process. Until all of `gateways` were heard of, or
/// `settle` is over, nobody knows who is where: `locate` is then answered `unavailable`.
void serve(Router& router, Loops& loops, SessionApi& sessions, std::vector<GatewayId> gateways,
           std::chrono::milliseconds settle = std::chrono::seconds(8));

}  // namespace parley::rpc
