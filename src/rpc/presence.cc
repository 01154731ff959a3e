#include "rpc/presence.h"

#include "parley/rpc/v1/presence.pb.h"
#include "rpc/convert.h"

namespace parley::rpc {
namespace {

constexpr Method<v1::PresenceRequest, v1::PresenceAnswer> kOf{"/parley.rpc.v1.Presence/Of"};

}  // namespace

void PresenceClient::watch(GatewayId gateway, std::vector<UserId> added,
                           std::vector<UserId> removed) {
  link_.post([this, gateway, added = std::move(added), removed = std::move(removed)] {
    auto& watched = watched_[gateway];
    for (auto user : removed) watched.erase(user);
    watched.insert(added.begin(), added.end());
    if (!link_.is_open()) return;
    auto& out = *link_.add_to_frame((added.size() + removed.size()) * 9).add_watches();
    out.set_gateway(gateway.value);
    add_ids(added, *out.mutable_added());
    add_ids(removed, *out.mutable_removed());
  });
}

void PresenceClient::on_open(v1::Frame& first) {
  for (const auto& [gateway, users] : watched_) {
    auto& out = *first.add_watches();
    out.set_gateway(gateway.value);
    for (auto user : users) out.add_added(user.value);
  }
}

Awaitable<Result<std::vector<PresenceView>>> PresenceClient::of(std::vector<UserId> users) {
  v1::PresenceRequest request;
  add_ids(users, *request.mutable_users());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(kOf, std::move(request)));
  std::vector<PresenceView> out;
  for (const auto& view : answer.users()) out.push_back(from_proto(view));
  co_return out;
}

void serve(Router& router, PresenceApi& presence) {
  router.on_frame([&presence](const ConnectionPtr&, v1::Frame& frame) {
    for (const auto& watch : frame.watches())
      presence.watch(GatewayId(watch.gateway()), ids_of<UserId>(watch.added()),
                     ids_of<UserId>(watch.removed()));
  });
  router.on_call(kOf,
                 [&presence](v1::PresenceRequest request) -> Awaitable<Result<v1::PresenceAnswer>> {
                   PARLEY_CO_TRY(found, co_await presence.of(ids_of<UserId>(request.users())));
                   v1::PresenceAnswer answer;
                   for (const auto& view : found) to_proto(view, *answer.add_users());
                   co_return answer;
                 });
}

}  // namespace parley::rpc
