#pragma once
#include <boost/unordered/unordered_flat_set.hpp>
#include <map>

#include "api/presence.h"
#include "rpc/link.h"
#include "rpc/router.h"

namespace parley::rpc {

/// PresenceApi of another process. Who is watched is told over the link, and again whenever the
/// link is made again, so that it is kept here too.
class PresenceClient final : public PresenceApi, public LinkUser {
 public:
  explicit PresenceClient(Link& link) : link_(link) { link.add(*this); }

  void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) override;
  Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) override;

  void on_open(v1::Frame& first) override;

 private:
  Link& link_;
  std::map<GatewayId, boost::unordered_flat_set<UserId, std::hash<UserId>>> watched_;
};

/// Answers for the presence service of this process.
void serve(Router& router, PresenceApi& presence);

}  // namespace parley::rpc
