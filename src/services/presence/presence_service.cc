#include "services/presence/presence_service.h"

#include <boost/asio.hpp>

#include "base/log.h"

namespace parley::presence {
namespace asio = boost::asio;

PresenceService::PresenceService(Loops& loops, const Clock& clock, LastSeenStore& store,
                                 ReachGateway reach, Settings settings)
    : loops_(loops),
      clock_(clock),
      store_(store),
      reach_(std::move(reach)),
      settings_(settings),
      last_seen_(settings.unwritten, settings.cached),
      next_write_(clock.mono() + settings.write_every),
      next_refresh_(clock.mono() + settings.refresh_every),
      timer_(loops.at(kLoop)),
      gate_(loops.at(kLoop).get_executor(), "presence") {}

void PresenceService::start() {
  asio::post(loops_.at(kLoop), [this] { tick_later(); });
}

void PresenceService::tick_later() {
  timer_.expires_after(settings_.tick);
  timer_.async_wait([this](boost::system::error_code) {
    if (closing_) return;
    tick();
    tick_later();
  });
}

void PresenceService::close(std::function<void()> closed) {
  asio::post(loops_.at(kLoop), [this, closed = std::move(closed)] {
    closing_ = true;
    timer_.cancel();
    write_last_seen(true);
    gate_.close(closed);
  });
}

void PresenceService::watch(GatewayId gateway, std::vector<UserId> added,
                            std::vector<UserId> removed) {
  const std::lock_guard lock(mutex_);
  asked_.push_back({gateway, std::move(added), std::move(removed)});
}

void PresenceService::on_gateway_gone(GatewayId gateway) {
  const std::lock_guard lock(mutex_);
  asked_.push_back({gateway, {}, {}, true});
}

void PresenceService::hear_gateways() {
  std::vector<Asked> asked;
  {
    const std::lock_guard lock(mutex_);
    asked.swap(asked_);
  }
  for (const auto& [gateway, added, removed, gone] : asked) {
    if (gone)
      watches_.forget(gateway);
    else
      watches_.watch(gateway, added, removed);
  }
}

void PresenceService::on_sessions(std::vector<Change> changes) {
  hear_gateways();
  for (const auto& change : changes) {
    if (change.gateways.empty())
      went(change.user);
    else
      came(change.user);
  }
}

void PresenceService::came(UserId user) {
  if (online_.insert(user).second)
    watches_.changed(user);
  else
    grace_until_.erase(user);
}

void PresenceService::went(UserId user) {
  if (!online_.contains(user) || grace_until_.contains(user)) return;
  last_seen_.seen(user, clock_.wall());
  const auto until = clock_.mono() + settings_.grace;
  grace_until_.emplace(user, until);
  graces_.emplace_back(until, user);
}

void PresenceService::end_graces() {
  const auto now = clock_.mono();
  for (; !graces_.empty() && graces_.front().first <= now; graces_.pop_front()) {
    const auto [until, user] = graces_.front();
    const auto at = grace_until_.find(user);
    if (at == grace_until_.end() || at->second != until) continue;
    grace_until_.erase(at);
    online_.erase(user);
    watches_.changed(user);
  }
}

void PresenceService::tell_gateways() {
  for (const auto id : watches_.waiting()) {
    auto* gateway = reach_(id);
    if (gateway == nullptr) continue;
    std::vector<PresenceView> views;
    for (const auto user : watches_.take(id, settings_.changes_per_tick))
      views.push_back(view(user).value_or(PresenceView{user, false, TimeMs(0)}));
    if (!views.empty()) gateway->presence(std::move(views));
  }
}

void PresenceService::tick() {
  hear_gateways();
  end_graces();
  tell_gateways();
  const auto now = clock_.mono();
  if (writing_ || now < next_write_) return;
  next_write_ = now + settings_.write_every;
  const bool everybody = now >= next_refresh_;
  if (everybody) next_refresh_ = now + settings_.refresh_every;
  write_last_seen(everybody);
}

void PresenceService::write_last_seen(bool everybody) {
  auto rows = last_seen_.take();
  if (everybody) {
    rows.reserve(rows.size() + online_.size() - grace_until_.size());
    for (const auto user : online_)
      if (!grace_until_.contains(user)) rows.push_back({user, clock_.wall()});
  }
  if (rows.empty()) return;
  writing_ = true;
  gate_.spawn([this, rows = std::move(rows)] { return write(rows); });
}

Awaitable<void> PresenceService::write(std::vector<LastSeen> rows) {
  const std::size_t count = rows.size();
  const auto stored = co_await run_blocking(
      loops_.pool(), [this, rows = std::move(rows)] { return store_.put(rows); });
  writing_ = false;
  if (stored) {
    last_seen_.written();
  } else if (last_seen_.not_written()) {
    log::warn("presence", "last_seen_waits rows={} error={}", count, stored.error().message);
  } else {
    log::error("presence", "last_seen_dropped rows={} error={}", count, stored.error().message);
  }
}

std::optional<PresenceView> PresenceService::view(UserId user) const {
  if (online_.contains(user)) return PresenceView{user, true, clock_.wall()};
  if (const auto at = last_seen_.find(user)) return PresenceView{user, false, *at};
  return std::nullopt;
}

Awaitable<Result<std::vector<PresenceView>>> PresenceService::of(std::vector<UserId> users) {
  co_return co_await asio::co_spawn(loops_.at(kLoop), of_here(std::move(users)),
                                    asio::use_awaitable);
}

Awaitable<Result<std::vector<PresenceView>>> PresenceService::of_here(std::vector<UserId> users) {
  hear_gateways();
  std::vector<UserId> unknown;
  for (const auto user : users)
    if (!view(user)) unknown.push_back(user);
  boost::unordered_flat_map<UserId, TimeMs, std::hash<UserId>> stored;
  if (!unknown.empty()) {
    PARLEY_CO_TRY(
        rows, co_await run_blocking(loops_.pool(), [this, unknown] { return store_.of(unknown); }));
    for (const auto& row : rows) stored[row.user] = row.at;
    for (const auto user : unknown) last_seen_.remember(user, stored[user]);
  }
  // As it is now: somebody may have come while the store was read, and watchers may know.
  std::vector<PresenceView> views;
  views.reserve(users.size());
  for (const auto user : users)
    views.push_back(view(user).value_or(PresenceView{user, false, stored[user]}));
  co_return views;
}

}  // namespace parley::presence
