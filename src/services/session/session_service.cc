#include "services/session/session_service.h"

#include <boost/asio.hpp>

#include "base/check.h"
#include "base/log.h"

namespace parley::session {

SessionService::SessionService(Loops& loops, const Clock& clock,
                               std::vector<std::unique_ptr<SessionRegistry>> registries,
                               Settings settings)
    : loops_(loops),
      clock_(clock),
      settings_(settings),
      registries_(std::move(registries)),
      swept_(clock.mono()),
      timer_(loops.at(0)) {
  PARLEY_CHECK(registries_.size() == loops_.size(), "one session registry per loop");
  for (std::size_t i = 0; i < loops_.size(); ++i)
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

void SessionService::at_home(std::size_t loop, std::move_only_function<void()> call) {
  if (homes_.size() == 1)
    loops_.run_on(0, std::move(call));
  else
    homes_[loop]->run(std::move(call));
}

void SessionService::update(GatewayId gateway, std::vector<Presence> changes) {
  std::vector<std::vector<Presence>> by_home(registries_.size());
  for (const auto& change : changes) by_home[home(change.user)].push_back(change);
  const std::lock_guard lock(mutex_);
  heard_[gateway].at = clock_.mono();
  for (std::size_t i = 0; i < by_home.size(); ++i) {
    if (by_home[i].empty()) continue;
    at_home(i, [this, i, gateway, mine = std::move(by_home[i])] {
      std::vector<UserId> changed;
      for (const auto& change : mine) {
        if (change.online)
          registries_[i]->add(change.user, gateway);
        else
          registries_[i]->remove(change.user, gateway);
        if (!listeners_.empty()) changed.push_back(change.user);
      }
      tell(i, changed);
    });
  }
}

void SessionService::tell(std::size_t loop, const std::vector<UserId>& changed) {
  if (listeners_.empty() || changed.empty()) return;
  std::vector<SessionListener::Change> changes;
  changes.reserve(changed.size());
  for (const auto user : changed)
    registries_[loop]->find(user, changes.emplace_back(user).gateways);
  for (const auto& queue : listeners_) queue->push(changes);
}

void SessionService::heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) {
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    auto& heard = heard_[gateway];
    heard.at = clock_.mono();
    known = std::exchange(heard.known, true);
  }
  answer(known);
}

void SessionService::gateway_gone(GatewayId gateway) {
  const std::lock_guard lock(mutex_);
  drop(gateway);
}

void SessionService::drop(GatewayId gateway) {
  heard_.erase(gateway);
  for (std::size_t i = 0; i < registries_.size(); ++i)
    at_home(i, [this, i, gateway] { tell(i, registries_[i]->remove_gateway(gateway)); });
  for (const auto& queue : listeners_) queue->listener().on_gateway_gone(gateway);
}

void SessionService::sweep() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.mono();
  // Whoever was stopped itself has heard nobody: the next time is soon enough.
  const bool slept = now - std::exchange(swept_, now) > settings_.gateway_timeout / 2;
  if (slept) return;
  std::vector<GatewayId> silent;
  for (const auto& [gateway, heard] : heard_)
    if (now - heard.at > settings_.gateway_timeout) silent.push_back(gateway);
  for (const auto gateway : silent) {
    log::warn("session", "gateway_silent gateway={}", gateway.value);
    drop(gateway);
  }
}

void SessionService::find_here(std::size_t loop, const std::vector<UserId>& users,
                               std::vector<Location>& out) const {
  std::vector<GatewayId> gateways;
  for (auto user : users) {
    gateways.clear();
    registries_[loop]->find(user, gateways);
    for (auto gateway : gateways) out.push_back({user, gateway});
  }
}

void SessionService::locate(std::vector<UserId> users,
                            std::move_only_function<void(std::vector<Location>)> found) {
  const std::size_t caller = loops_.current();
  PARLEY_CHECK(caller < loops_.size(), "locate is called on a loop");
  if (registries_.size() == 1) {
    std::vector<Location> out;
    out.reserve(users.size());
    find_here(0, users, out);
    return found(std::move(out));
  }
  struct Asked {  // touched on the caller's loop alone
    std::size_t open = 0;
    std::vector<Location> out;
    std::move_only_function<void(std::vector<Location>)> found;
  };
  auto asked = std::make_shared<Asked>();
  asked->found = std::move(found);
  std::vector<std::vector<UserId>> by_home(registries_.size());
  for (auto user : users) by_home[home(user)].push_back(user);
  asked->open = 1;  // until all are asked
  const auto settle = [](const std::shared_ptr<Asked>& a) {
    if (--a->open == 0) a->found(std::move(a->out));
  };
  for (std::size_t i = 0; i < by_home.size(); ++i) {
    if (by_home[i].empty()) continue;
    if (i == caller) {
      homes_[i]->catch_up();
      find_here(i, by_home[i], asked->out);
      continue;
    }
    ++asked->open;
    at_home(i, [this, i, caller, asked, settle, mine = std::move(by_home[i])]() mutable {
      std::vector<Location> here;
      find_here(i, mine, here);
      boost::asio::post(loops_.at(caller),
                        [asked = std::move(asked), settle, here = std::move(here)] {
                          asked->out.insert(asked->out.end(), here.begin(), here.end());
                          settle(asked);
                        });
    });
  }
  settle(asked);
}

}  // namespace parley::session
