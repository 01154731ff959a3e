#include "rpc/session.h"

#include "base/check.h"
#include "rpc/convert.h"

namespace parley::rpc {

SessionClient::SessionClient(Link& link, std::vector<GatewayId> gateways)
    : link_(link),
      gateways_(std::move(gateways)),
      locates_(link, std::chrono::seconds(2)),
      heartbeats_(link, std::chrono::seconds(4)) {
  link.add(*this);
}

void SessionClient::subscribe(SessionListener& listener, std::size_t loop) {
  link_.post([this, &listener, loop] {
    PARLEY_CHECK(!listener_, "one subscriber of the session service in a process");
    listener_ = &listener;
    listener_loop_ = loop;
    if (link_.is_open()) on_open(link_.add_to_frame(0));
  });
}

void SessionClient::update(GatewayId gateway, std::vector<Presence> changes) {
  link_.post([this, gateway, changes = std::move(changes)] {
    if (!link_.is_open()) return;  // said again when the next heartbeat is not known
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
  link_.post([this, asked = Heartbeat{gateway, std::move(answer), loop}]() mutable {
    // Nothing can be said now: the next one will do.
    if (!link_.admit()) return beat(std::move(asked), true);
    if (said_.insert(asked.gateway).second) {
      auto& gone = *link_.add_to_frame(10).add_sessions();
      gone.set_gateway(asked.gateway.value);
      gone.set_gone(true);
    }
    auto& out = *link_.add_to_frame(10).add_sessions();
    out.set_gateway(asked.gateway.value);
    out.set_heartbeat(heartbeats_.add(std::move(asked)));
  });
}

void SessionClient::gateway_gone(GatewayId gateway) {
  link_.post([this, gateway] {
    said_.erase(gateway);
    if (!link_.is_open()) return;
    auto& out = *link_.add_to_frame(10).add_sessions();
    out.set_gateway(gateway.value);
    out.set_gone(true);
  });
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

void SessionClient::beat(Heartbeat asked, bool known) {
  boost::asio::post(link_.loops().at(asked.loop),
                    [answer = std::move(asked.answer), known]() mutable { answer(known); });
}

void SessionClient::on_open(v1::Frame& first) {
  if (!listener_) return;
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
    if (auto asked = heartbeats_.take(answer.token())) beat(std::move(*asked), answer.known());
  if (listener_ && frame.session_changes_size() != 0) tell(frame);
}

void SessionClient::tell(const v1::Frame& frame) {
  std::vector<SessionListener::Change> changes;
  const auto hand_over = [&] {
    if (changes.empty()) return;
    boost::asio::post(link_.loops().at(listener_loop_),
                      [listener = listener_, changes = std::exchange(changes, {})]() mutable {
                        listener->on_sessions(std::move(changes));
                      });
  };
  const auto gone = [&](GatewayId gateway) {
    hand_over();
    seen_.erase(gateway);
    boost::asio::post(link_.loops().at(listener_loop_),
                      [listener = listener_, gateway] { listener->on_gateway_gone(gateway); });
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
  said_.clear();
  locates_.end([&](Locate asked) { found_everywhere(std::move(asked)); });
  heartbeats_.end([&](Heartbeat asked) { beat(std::move(asked), true); });
}

void SessionClient::on_tick() {
  locates_.expire([&](Locate asked) { found_everywhere(std::move(asked)); });
  heartbeats_.expire([&](Heartbeat asked) { beat(std::move(asked), true); });
}

}  // namespace parley::rpc
