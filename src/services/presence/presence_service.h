#pragma once
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <mutex>

#include "api/delivery.h"
#include "api/session.h"
#include "base/clock.h"
#include "base/gate.h"
#include "base/loops.h"
#include "ports/last_seen.h"
#include "services/presence/last_seen_book.h"
#include "services/presence/settings.h"
#include "services/presence/watches.h"

namespace parley::presence {

/// See README.md. Lives on the loop `kLoop`, as which it is subscribed to the session service.
/// Destroyed after `loops` has stopped.
class PresenceService final : public PresenceApi, public SessionListener {
 public:
  static constexpr std::size_t kLoop = 0;

  PresenceService(Loops& loops, const Clock& clock, LastSeenStore& store, ReachGateway reach,
                  Settings settings = {});

  /// The timer runs from here on. Any thread.
  void start();
  /// Writes when everybody was last seen, then calls back on the loop. Any thread, once.
  void close(std::function<void()> closed);

  void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) override;
  Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) override;

  void on_sessions(std::vector<Change> changes) override;
  void on_gateway_gone(GatewayId gateway) override;

  /// Ends graces, tells gateways, writes: what the timer does. On the loop.
  void tick();

 private:
  struct Asked {
    GatewayId gateway;
    std::vector<UserId> added, removed;
    bool gone = false;
  };
  void tick_later();
  /// Before anything that goes by who watches whom: so whoever was told what is true now hears of
  /// all that changes later.
  void hear_gateways();
  void came(UserId user);
  void went(UserId user);
  void end_graces();
  void tell_gateways();
  void write_last_seen(bool everybody);
  Awaitable<void> write(std::vector<LastSeen> rows);
  std::optional<PresenceView> view(UserId user) const;
  Awaitable<Result<std::vector<PresenceView>>> of_here(std::vector<UserId> users);

  Loops& loops_;
  const Clock& clock_;
  LastSeenStore& store_;
  const ReachGateway reach_;
  const Settings settings_;

  using Users = boost::unordered_flat_set<UserId, std::hash<UserId>>;
  Users online_;  // with a session, or in their grace
  boost::unordered_flat_map<UserId, Clock::Mono, std::hash<UserId>> grace_until_;
  std::deque<std::pair<Clock::Mono, UserId>> graces_;  // by time; some have ended by a return
  Watches watches_;
  std::mutex mutex_;
  std::vector<Asked> asked_;  // by gateways, in that order; of any thread
  LastSeenBook last_seen_;
  Clock::Mono next_write_, next_refresh_;
  bool writing_ = false;
  bool closing_ = false;
  boost::asio::steady_timer timer_;
  Gate gate_;
};

}  // namespace parley::presence
