#include "services/session/session_service.h"

#include <boost/asio.hpp>

#include "base/check.h"
#include "base/log.h"

namespace parley::session {

SessionService::SessionService(Loops& loops, const Clock& clock,
                               std::vector<std::unique_ptr<SessionRegistry>> registries,
                               Settings settings, std::vector<GatewayId> everywhere)
    : loops_(loops),
      clock_(clock),
      settings_(settings),
      everywhere_(std::move(everywhere)),
      registries_(std::move(registries)),
      swept_(clock.mono()),
      timer_(loops.at(0)) {
  PARLEY_CHECK(registries_.size() == loops_.size() || registries_.size() == 1,
               "one session registry per loop, or a single one");
  for (std::size_t i = 0; i < registries_.size(); ++i)
    homes_.push_back(std::make_unique<InOrder>(loops_, i));
}

void SessionService::start() {
  loops_.run_on(0, [this] { sweep_later(); });
}

void SessionService::sweep_later() {
  timer_.expires_after(settings_.sweep_every);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    sweep();
    sweep_later();
  });
}

void SessionService::subscribe(SessionListener& listener, std::size_t loop) {
  listeners_.push_back(std::make_unique<ListenerQueue>(listener, loops_, loop));
}

std::size_t SessionService::untold() const {
  std::size_t out = 0;
  for (const auto& queue : listeners_) out += queue->size();
  return out;
}

void SessionService::at_home(std::size_t loop, std::move_only_function<void()> call) {
  if (loops_.size() == 1)
    loops_.run_on(0, std::move(call));
  else
    homes_[loop]->run(std::move(call));
}

void SessionService::update(GatewayId gateway, std::vector<Presence> changes) {
  std::vector<std::vector<Presence>> by_home(registries_.size());
  if (by_home.size() == 1)
    by_home.front() = std::move(changes);
  else
    for (const auto& change : changes) by_home[home(change.user)].push_back(change);
  const std::lock_guard lock(mutex_);
  heard_[gateway] = clock_.mono();
  for (std::size_t i = 0; i < by_home.size(); ++i) {
    if (by_home[i].empty()) continue;
    at_home(i, [this, i, gateway, mine = std::move(by_home[i])]() mutable {
      registries_[i]->update(gateway, std::move(mine), !listeners_.empty(),
                             [this, gateway](auto changed) { take(gateway, std::move(changed)); });
    });
  }
}

void SessionService::take(GatewayId gateway, Result<std::vector<UserSessions>> changed) {
  if (!changed) {
    const std::lock_guard lock(lost_mutex_);
    if (lost_.insert(gateway).second)
      log::warn("session", "registry_failed gateway={} why=\"{}\"", gateway.value,
                changed.error().message);
    return;
  }
  if (changed->empty()) return;
  for (const auto& queue : listeners_) queue->push(*changed);
}

void SessionService::heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) {
  const auto caller = loops_.current();
  PARLEY_CHECK(caller < loops_.size(), "heartbeat is called on a loop");
  const std::lock_guard lock(mutex_);
  heard_[gateway] = clock_.mono();
  bool lost = false;
  {
    const std::lock_guard lost_lock(lost_mutex_);
    lost = lost_.erase(gateway) != 0;
  }
  if (lost) remove_rows(gateway);
  at_home(0, [this, caller, gateway, answer = std::move(answer)]() mutable {
    registries_[0]->heartbeat(gateway, [this, caller,
                                        answer = std::move(answer)](Result<bool> known) mutable {
      // While the registry fails there is nobody to say anything to.
      const bool nothing_to_say = known.value_or(true);
      if (loops_.size() == 1) return answer(nothing_to_say);
      boost::asio::post(loops_.at(caller), [answer = std::move(answer), nothing_to_say]() mutable {
        answer(nothing_to_say);
      });
    });
  });
}

void SessionService::gateway_gone(GatewayId gateway) {
  const std::lock_guard lock(mutex_);
  drop(gateway);
}

void SessionService::drop(GatewayId gateway) {
  heard_.erase(gateway);
  remove_rows(gateway);
  for (const auto& queue : listeners_) queue->listener().on_gateway_gone(gateway);
}

void SessionService::remove_rows(GatewayId gateway) {
  for (std::size_t i = 0; i < registries_.size(); ++i)
    at_home(i, [this, i, gateway] {
      registries_[i]->remove_gateway(gateway, !listeners_.empty(), [this, gateway](auto changed) {
        take(gateway, std::move(changed));
      });
    });
}

void SessionService::sweep() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.mono();
  // Whoever was stopped itself has heard nobody: the next time is soon enough.
  const bool slept = now - std::exchange(swept_, now) > settings_.gateway_timeout / 2;
  if (slept) return;
  std::vector<GatewayId> silent;
  for (const auto& [gateway, heard] : heard_)
    if (now - heard > settings_.gateway_timeout) silent.push_back(gateway);
  for (const auto gateway : silent) {
    log::warn("session", "gateway_silent gateway={}", gateway.value);
    drop(gateway);
  }
  // Those that went while the registry failed, and will not heartbeat.
  std::vector<GatewayId> left;
  {
    const std::lock_guard lost_lock(lost_mutex_);
    for (const auto gateway : lost_)
      if (!heard_.contains(gateway)) left.push_back(gateway);
    for (const auto gateway : left) lost_.erase(gateway);
  }
  for (const auto gateway : left) remove_rows(gateway);
}

void SessionService::find_here(std::size_t loop, std::vector<UserId> users, FoundHere found) {
  const std::span<const UserId> all(users);
  registries_[loop]->find(all, [this, users = std::move(users), found = std::move(found)](
                                   Result<std::vector<Location>> rows) mutable {
    if (rows) return found(std::move(*rows));
    std::vector<Location> out;
    out.reserve(users.size() * everywhere_.size());
    for (auto user : users)
      for (auto gateway : everywhere_) out.push_back({user, gateway});
    found(std::move(out));
  });
}

void SessionService::locate(std::vector<UserId> users,
                            std::move_only_function<void(std::vector<Location>)> found) {
  const std::size_t caller = loops_.current();
  PARLEY_CHECK(caller < loops_.size(), "locate is called on a loop");
  if (loops_.size() == 1) return find_here(0, std::move(users), std::move(found));
  struct Asked {  // touched on the caller's loop alone
    std::size_t open = 0;
    std::vector<Location> out;
    std::move_only_function<void(std::vector<Location>)> found;
  };
  auto asked = std::make_shared<Asked>();
  asked->found = std::move(found);
  std::vector<std::vector<UserId>> by_home(registries_.size());
  if (by_home.size() == 1)
    by_home.front() = std::move(users);
  else
    for (auto user : users) by_home[home(user)].push_back(user);
  asked->open = 1;  // until all are asked
  const auto settle = [](Asked& a, std::vector<Location> here) {
    if (a.out.empty())
      a.out = std::move(here);
    else
      a.out.insert(a.out.end(), here.begin(), here.end());
    if (--a.open == 0) a.found(std::move(a.out));
  };
  for (std::size_t i = 0; i < by_home.size(); ++i) {
    if (by_home[i].empty()) continue;
    ++asked->open;
    auto on_caller = [this, caller, asked, settle](std::vector<Location> here) mutable {
      loops_.run_on(caller, [asked = std::move(asked), settle, here = std::move(here)]() mutable {
        settle(*asked, std::move(here));
      });
    };
    if (i == caller) {
      homes_[i]->catch_up();
      find_here(i, std::move(by_home[i]), std::move(on_caller));
    } else {
      at_home(i,
              [this, i, mine = std::move(by_home[i]), on_caller = std::move(on_caller)]() mutable {
                find_here(i, std::move(mine), std::move(on_caller));
              });
    }
  }
  settle(*asked, {});
}

}  // namespace parley::session
