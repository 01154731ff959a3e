#include "rpc/session.h"

#include "base/check.h"
#include "rpc/convert.h"

namespace parley::rpc {
namespace {
constexpr std::chrono::seconds kBeatEvery{5};
}

SessionClient::SessionClient(Link& link, std::vector<GatewayId> gateways)
    : link_(link),
      gateways_(std::move(gateways)),
      locates_(link, std::chrono::seconds(2)),
      heartbeats_(link, std::chrono::seconds(4)) {
  link.add(*this);
}

void SessionClient::subscribe(SessionListener& listener, std::size_t loop) {
  link_.post([this, &listener, loop] {
    subscribers_.push_back({&listener, loop});
    if (link_.is_open()) watch(link_.add_to_frame(0));
  });
}

void SessionClient::update(GatewayId gateway, std::vector<Presence> changes) {
  link_.post([this, gateway, changes = std::move(changes)] {
    auto& own = own_[gateway];
    for (const auto& change : changes) {
      if (change.online) {
        own.users.insert(change.user);
        own.left.erase(change.user);
        own.left_before.erase(change.user);
      } else {
        own.users.erase(change.user);
        own.left.insert(change.user);
      }
    }
    if (!link_.is_open()) return;  // said when it is
    if (own.new_to_service) return say_all(gateway, own);
    auto& out = *link_.add_to_frame(changes.size() * 10).add_sessions();
    out.set_gateway(gateway.value);
    for (const auto& change : changes) {
      out.add_users(change.user.value);
      out.add_online(change.online);
    }
  });
}

void SessionClient::heartbeat(GatewayId gateway, std::move_only_function<void(bool)> answer) {
  const auto loop = link_.loops().current();
  PARLEY_CHECK(loop < link_.loops().size(), "heartbeat is called on a loop");
  link_.post([this, gateway, loop, answer = std::move(answer)]() mutable {
    auto& own = own_[gateway];
    if (own.new_to_service && link_.is_open()) say_all(gateway, own);
    boost::asio::post(link_.loops().at(loop),
                      [answer = std::move(answer),
                       known = !std::exchange(own.forgotten, false)]() mutable { answer(known); });
  });
}

void SessionClient::gateway_gone(GatewayId gateway) {
  link_.post([this, gateway] {
    own_.erase(gateway);
    if (!link_.is_open()) return;
    auto& out = *link_.add_to_frame(10).add_sessions();
    out.set_gateway(gateway.value);
    out.set_gone(true);
  });
}

void SessionClient::beat(GatewayId gateway, Own& own) {
  own.next_beat = std::chrono::steady_clock::now() + kBeatEvery;
  auto& out = *link_.add_to_frame(10).add_sessions();
  out.set_gateway(gateway.value);
  out.set_heartbeat(heartbeats_.add(gateway));
}

void SessionClient::say_all(GatewayId gateway, Own& own) {
  if (std::exchange(own.new_to_service, false)) {
    auto& gone = *link_.add_to_frame(10).add_sessions();
    gone.set_gateway(gateway.value);
    gone.set_gone(true);
    own.introduced = true;
  }
  beat(gateway, own);
  auto& out = *link_.add_to_frame(own.users.size() * 10).add_sessions();
  out.set_gateway(gateway.value);
  const auto say = [&out](const Users& users, bool online) {
    for (auto user : users) {
      out.add_users(user.value);
      out.add_online(online);
    }
  };
  say(own.left_before, false);
  say(own.left, false);
  say(own.users, true);
}

void SessionClient::heard(GatewayId gateway, bool known) {
  const auto at = own_.find(gateway);
  if (at == own_.end()) return;
  auto& own = at->second;
  // Whatever was said before the heartbeat has arrived.
  own.left_before = std::exchange(own.left, {});
  if (std::exchange(own.introduced, false) || known) return;
  own.forgotten = true;
  say_all(gateway, own);
}

void SessionClient::locate(std::vector<UserId> users,
                           std::move_only_function<void(std::vector<Location>)> found) {
  const auto loop = link_.loops().current();
  PARLEY_CHECK(loop < link_.loops().size(), "locate is called on a loop");
  link_.post([this, asked = Locate{std::move(users), std::move(found), loop}]() mutable {
    if (!link_.admit()) return found_everywhere(std::move(asked));
    auto& out = *link_.add_to_frame(asked.users.size() * 9).add_locates();
    add_ids(asked.users, *out.mutable_users());
    out.set_token(locates_.add(std::move(asked)));
  });
}

void SessionClient::found(Locate asked, std::vector<Location> rows) {
  boost::asio::post(link_.loops().at(asked.loop),
                    [found = std::move(asked.found), rows = std::move(rows)]() mutable {
                      found(std::move(rows));
                    });
}

void SessionClient::found_everywhere(Locate asked) {
  std::vector<Location> rows;
  rows.reserve(asked.users.size() * gateways_.size());
  for (auto user : asked.users)
    for (auto gateway : gateways_) rows.push_back({user, gateway});
  found(std::move(asked), std::move(rows));
}

void SessionClient::on_open(v1::Frame& first) {
  for (auto& [gateway, own] : own_) say_all(gateway, own);
  if (!subscribers_.empty()) watch(first);
}

void SessionClient::watch(v1::Frame& first) {
  first.set_watch_sessions(true);
  from_start_ = true;
  not_said_again_ = online_;
  not_seen_again_ = seen_;
}

void SessionClient::on_frame(v1::Frame& frame) {
  for (auto& answer : *frame.mutable_located())
    if (auto asked = locates_.take(answer.token())) {
      if (answer.has_failure() || answer.users_size() != answer.gateways_size()) {
        found_everywhere(std::move(*asked));
        continue;
      }
      std::vector<Location> rows;
      for (int i = 0; i < answer.users_size(); ++i)
        rows.push_back({UserId(answer.users(i)), GatewayId(answer.gateways(i))});
      found(std::move(*asked), std::move(rows));
    }
  for (const auto& answer : frame.heard())
    if (auto gateway = heartbeats_.take(answer.token())) heard(*gateway, answer.known());
  if (!subscribers_.empty() && frame.session_changes_size() != 0) tell(frame);
}

void SessionClient::tell(const v1::Frame& frame) {
  std::vector<SessionListener::Change> changes;
  const auto hand_over = [&] {
    if (changes.empty()) return;
    for (const auto& to : subscribers_)
      boost::asio::post(link_.loops().at(to.loop), [listener = to.listener, changes]() mutable {
        listener->on_sessions(std::move(changes));
      });
    changes.clear();
  };
  const auto gone = [&](GatewayId gateway) {
    hand_over();
    seen_.erase(gateway);
    for (const auto& to : subscribers_)
      boost::asio::post(link_.loops().at(to.loop),
                        [listener = to.listener, gateway] { listener->on_gateway_gone(gateway); });
  };
  for (const auto& change : frame.session_changes()) {
    if (change.complete()) {
      from_start_ = false;
      for (auto user : std::exchange(not_said_again_, {})) {
        online_.erase(user);
        changes.push_back({user, {}});
      }
      for (auto gateway : std::exchange(not_seen_again_, {})) gone(gateway);
    } else if (change.gone() != 0) {
      gone(GatewayId(change.gone()));
    } else {
      const UserId user(change.user());
      auto gateways = ids_of<GatewayId>(change.gateways());
      for (auto gateway : gateways) {
        seen_.insert(gateway);
        if (from_start_) not_seen_again_.erase(gateway);
      }
      if (gateways.empty())
        online_.erase(user);
      else
        online_.insert(user);
      if (from_start_) not_said_again_.erase(user);
      changes.push_back({user, std::move(gateways)});
    }
  }
  hand_over();
}

void SessionClient::on_lost(const Error&) {
  locates_.end([&](Locate asked) { found_everywhere(std::move(asked)); });
  heartbeats_.end([](GatewayId) {});
}

void SessionClient::on_tick() {
  locates_.expire([&](Locate asked) { found_everywhere(std::move(asked)); });
  heartbeats_.expire([](GatewayId) {});
  if (!link_.is_open()) return;
  const auto now = std::chrono::steady_clock::now();
  for (auto& [gateway, own] : own_)
    if (own.next_beat <= now) beat(gateway, own);
}

}  // namespace parley::rpc
