#pragma once
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "api/session.h"
#include "base/clock.h"
#include "base/loops.h"
#include "ports/session_registry.h"
#include "services/session/in_order.h"
#include "services/session/listener_queue.h"
#include "services/session/settings.h"

namespace parley::session {

/// A user's rows live with the loop that its id hashes to. Any loop may call; with one loop nothing
/// is posted. Destroyed after `loops` has stopped.
class SessionService final : public SessionApi {
 public:
  /// One registry per loop.
  SessionService(Loops& loops, const Clock& clock,
                 std::vector<std::unique_ptr<SessionRegistry>> registries, Settings settings = {});

  /// From here on, gateways that are silent are dropped. Any thread.
  void start();

  void subscribe(SessionListener& listener, std::size_t loop) override;
  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) override;
  void gateway_gone(GatewayId gateway) override;
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override;

  /// Drops the gateways that are silent: what the timer of `start` does. Any thread.
  void sweep();

 private:
  struct Heard {
    Clock::Mono at{};
    bool known = false;  // it has said hello by a heartbeat, and so says everything
  };
  std::size_t home(UserId user) const { return std::hash<UserId>()(user) % registries_.size(); }
  /// Runs `call` on a home loop after all that was passed before.
  void at_home(std::size_t loop, std::move_only_function<void()> call);
  void drop(GatewayId gateway);  // with the lock held
  void tell(std::size_t loop, const std::vector<UserId>& changed);
  void find_here(std::size_t loop, const std::vector<UserId>& users,
                 std::vector<Location>& out) const;
  void sweep_later();

  Loops& loops_;
  const Clock& clock_;
  const Settings settings_;
  std::vector<std::unique_ptr<SessionRegistry>> registries_;
  std::vector<std::unique_ptr<InOrder>> homes_;  // one per registry
  std::vector<std::unique_ptr<ListenerQueue>> listeners_;

  /// Held while calls are passed to the home loops, too: all of them see the same order.
  std::mutex mutex_;
  std::unordered_map<GatewayId, Heard> heard_;
  Clock::Mono swept_;
  boost::asio::steady_timer timer_;  // on the first loop
};

}  // namespace parley::session
