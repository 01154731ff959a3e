#include "services/session/session_service.h"

#include "base/check.h"

namespace parley::session {

SessionService::SessionService(Loops& loops,
                               std::vector<std::unique_ptr<SessionRegistry>> registries)
    : loops_(loops), registries_(std::move(registries)) {
  PARLEY_CHECK(registries_.size() == loops_.size(), "one session registry per loop");
}

void SessionService::update(GatewayId gateway, std::vector<Presence> changes) {
  std::vector<std::vector<Presence>> by_home(registries_.size());
  for (const auto& change : changes) by_home[home(change.user)].push_back(change);
  for (std::size_t i = 0; i < by_home.size(); ++i) {
    if (by_home[i].empty()) continue;
    loops_.run_on(i, [&registry = *registries_[i], gateway, mine = std::move(by_home[i])] {
      for (const auto& change : mine) {
        if (change.online)
          registry.add(change.user, gateway);
        else
          registry.remove(change.user, gateway);
      }
    });
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
    ++asked->open;
    loops_.run_on(i, [this, i, caller, asked, settle, mine = std::move(by_home[i])]() mutable {
      std::vector<Location> here;
      find_here(i, mine, here);
      loops_.run_on(caller, [asked = std::move(asked), settle, here = std::move(here)] {
        asked->out.insert(asked->out.end(), here.begin(), here.end());
        settle(asked);
      });
    });
  }
  settle(asked);
}

}  // namespace parley::session
