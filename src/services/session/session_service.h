#pragma once
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>

#include "api/session.h"
#include "base/clock.h"
#include "base/loops.h"
#include "ports/session_registry.h"
#include "services/session/in_order.h"
#include "services/session/listener_queue.h"
#include "services/session/settings.h"

namespace parley::session {

/// A user's rows live with the registry that its id hashes to; the first registry lives on the
/// first loop, and so on. Any loop may call; with one loop nothing is posted. Destroyed after
/// `loops` has stopped.
class SessionService final : public SessionApi {
 public:
  /// One registry per loop, or a single one. `everywhere`: all gateways there are, what `locate`
  /// answers when the registry fails.
  SessionService(Loops& loops, const Clock& clock,
                 std::vector<std::unique_ptr<SessionRegistry>> registries, Settings settings = {},
                 std::vector<GatewayId> everywhere = {});

  /// From here on, gateways that are silent are dropped. Any thread.
  void start();

  void subscribe(SessionListener& listener, std::size_t loop) override;
  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) override;
  void gateway_gone(GatewayId gateway) override;
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override;

  /// Changes that listeners have still to hear. Any thread, once all have subscribed.
  std::size_t untold() const;

  /// Drops the gateways that are silent: what the timer of `start` does. Any thread.
  void sweep();

 private:
  using FoundHere = std::move_only_function<void(std::vector<Location>)>;
  std::size_t home(UserId user) const { return std::hash<UserId>()(user) % registries_.size(); }
  /// Runs `call` on a home loop after all that was passed before.
  void at_home(std::size_t loop, std::move_only_function<void()> call);
  void drop(GatewayId gateway);         // with the lock held
  void remove_rows(GatewayId gateway);  // likewise
  void take(GatewayId gateway, Result<std::vector<UserSessions>> changed);
  void find_here(std::size_t loop, std::vector<UserId> users, FoundHere found);
  void sweep_later();

  Loops& loops_;
  const Clock& clock_;
  const Settings settings_;
  const std::vector<GatewayId> everywhere_;
  std::vector<std::unique_ptr<SessionRegistry>> registries_;
  std::vector<std::unique_ptr<InOrder>> homes_;  // one per registry
  std::vector<std::unique_ptr<ListenerQueue>> listeners_;

  /// Held while calls are passed to the home loops, too: all of them see the same order.
  std::mutex mutex_;
  std::unordered_map<GatewayId, Clock::Mono> heard_;
  Clock::Mono swept_;
  boost::asio::steady_timer timer_;  // on the first loop

  /// Gateways of whom the registry did not take something: their rows are removed, and they are
  /// asked to say everything again.
  std::mutex lost_mutex_;  // taken last
  std::set<GatewayId> lost_;
};

}  // namespace parley::session
