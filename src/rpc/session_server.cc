#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>

#include "rpc/convert.h"
#include "rpc/session.h"

namespace parley::rpc {
namespace {

constexpr std::size_t kLoop = 0;  // of who watches

/// Tells who comes and goes to the connections that watch, each from the start. On kLoop.
class Watchers final : public SessionListener {
 public:
  explicit Watchers(Loops& loops) : loops_(loops) {}

  void on_sessions(std::vector<Change> changes) override {
    for (const auto& change : changes) {
      if (change.gateways.empty())
        where_.erase(change.user);
      else
        where_[change.user] = change.gateways;
    }
    for (const auto& connection : watching_) tell(connection, changes, false);
  }
  void on_gateway_gone(GatewayId gateway) override {
    for (const auto& connection : watching_)
      boost::asio::post(loops_.at(connection->loop()), [connection, gateway] {
        connection->add_to_frame().add_session_changes()->set_gone(gateway.value);
      });
  }
  void add(const ConnectionPtr& connection) {
    std::vector<Change> everybody;
    everybody.reserve(where_.size());
    for (const auto& [user, gateways] : where_) everybody.push_back({user, gateways});
    tell(connection, everybody, true);
    watching_.insert(connection);
  }
  void remove(const ConnectionPtr& connection) { watching_.erase(connection); }

 private:
  void tell(const ConnectionPtr& connection, const std::vector<Change>& changes, bool complete) {
    boost::asio::post(loops_.at(connection->loop()), [connection, changes, complete] {
      auto& frame = connection->add_to_frame();
      for (const auto& change : changes) {
        auto& out = *frame.add_session_changes();
        out.set_user(change.user.value);
        add_ids(change.gateways, *out.mutable_gateways());
      }
      if (complete) frame.add_session_changes()->set_complete(true);
    });
  }

  Loops& loops_;
  boost::unordered_flat_map<UserId, std::vector<GatewayId>, std::hash<UserId>> where_;
  std::set<ConnectionPtr> watching_;
};

/// The gateways that are to be heard of before anybody can be located. Any loop.
class Settling {
 public:
  Settling(std::vector<GatewayId> gateways, std::chrono::milliseconds within)
      : until_(std::chrono::steady_clock::now() + within),
        missing_(gateways.begin(), gateways.end()),
        over_(missing_.empty()) {}

  void heard(GatewayId gateway) {
    if (over_) return;
    const std::lock_guard lock(mutex_);
    missing_.erase(gateway);
    if (missing_.empty()) over_ = true;
  }
  bool over() {
    if (!over_ && std::chrono::steady_clock::now() >= until_) over_ = true;
    return over_;
  }

 private:
  const std::chrono::steady_clock::time_point until_;
  std::mutex mutex_;
  std::set<GatewayId> missing_;
  std::atomic<bool> over_;
};

void take(SessionApi& sessions, Settling& settling, const ConnectionPtr& connection,
          const v1::SessionUpdate& update) {
  const GatewayId gateway(update.gateway());
  if (update.gone()) return sessions.gateway_gone(gateway);
  if (update.heartbeat() != 0)
    return sessions.heartbeat(gateway, [connection, token = update.heartbeat()](bool known) {
      auto& out = *connection->add_to_frame().add_heard();
      out.set_token(token);
      out.set_known(known);
    });
  std::vector<Presence> changes;
  for (int i = 0; i < std::min(update.users_size(), update.online_size()); ++i)
    changes.push_back({UserId(update.users(i)), update.online(i)});
  sessions.update(gateway, std::move(changes));
  settling.heard(gateway);
}

void find(SessionApi& sessions, Settling& settling, const ConnectionPtr& connection,
          const v1::LocateRequest& request) {
  if (!settling.over()) {
    auto& out = *connection->add_to_frame().add_located();
    out.set_token(request.token());
    return to_proto(unavailable("the session service has just started"), *out.mutable_failure());
  }
  sessions.locate(ids_of<UserId>(request.users()),
                  [connection, token = request.token()](std::vector<Location> rows) {
                    auto& out = *connection->add_to_frame().add_located();
                    out.set_token(token);
                    for (const auto& row : rows) {
                      out.add_users(row.user.value);
                      out.add_gateways(row.gateway.value);
                    }
                  });
}

}  // namespace

void serve(Router& router, Loops& loops, SessionApi& sessions, std::vector<GatewayId> gateways,
           std::chrono::milliseconds settle) {
  auto watchers = std::make_shared<Watchers>(loops);
  auto settling = std::make_shared<Settling>(std::move(gateways), settle);
  sessions.subscribe(*watchers, kLoop);
  router.on_frame(
      [&sessions, &loops, watchers, settling](const ConnectionPtr& connection, v1::Frame& frame) {
        if (frame.watch_sessions())
          boost::asio::post(loops.at(kLoop), [watchers, connection] { watchers->add(connection); });
        for (const auto& update : frame.sessions()) take(sessions, *settling, connection, update);
        for (const auto& request : frame.locates()) find(sessions, *settling, connection, request);
      });
  router.on_end([&loops, watchers](const ConnectionPtr& connection) {
    boost::asio::post(loops.at(kLoop), [watchers, connection] { watchers->remove(connection); });
  });
}

}  // namespace parley::rpc
