#include "services/gateway/presence_watch.h"

#include <boost/asio.hpp>

#include "services/gateway/encoded.h"
#include "services/gateway/to_proto.h"

namespace parley::gateway {
namespace {

v1::ServerFrame frame_of(const PresenceView& view, std::uint64_t re) {
  v1::ServerFrame frame;
  frame.set_re(re);
  to_proto(view, *frame.mutable_presence());
  return frame;
}

}  // namespace

void PresenceWatch::watch(Session& session, std::uint64_t re, std::vector<UserId> users) {
  const auto id = session.connection;
  auto& watcher = watchers_[id];
  if (watcher.state != Watcher::State::idle) finish(session, watcher);  // another takes its place
  connections_.asked(session);
  ++open_;
  watcher.state = Watcher::State::asking;
  watcher.re = re;
  watcher.wanted = std::move(users);
  if (!std::exchange(watcher.looking, true))
    gate_.spawn([this, id, asker = session.user] { return look(id, asker); });
}

/// Null if the connection is gone.
PresenceWatch::Watcher* PresenceWatch::find(net::ConnectionId id) {
  const auto at = watchers_.find(id);
  return at != watchers_.end() && connections_.find(id) ? &at->second : nullptr;
}

/// One request after the other. What another overtook is let go of at the next step.
Awaitable<void> PresenceWatch::look(net::ConnectionId id, UserId asker) {
  while (auto* watcher = find(id)) {
    if (!watcher->wanted) {
      watcher->looking = false;
      if (watcher->users.empty() && watcher->state == Watcher::State::idle) watchers_.erase(id);
      co_return;
    }
    const auto users = *std::exchange(watcher->wanted, std::nullopt);
    if (users.empty()) {
      replace(id, *watcher, {});
      finish(*connections_.find(id), *watcher);
      continue;
    }
    const auto visible = co_await shared_.services.messages.visible(asker, users);
    watcher = find(id);
    if (!watcher || watcher->wanted) continue;
    if (!visible) {
      refuse(id, *watcher, visible.error());
      continue;
    }
    replace(id, *watcher, *visible);
    flush();  // what changes from here on is told
    const auto known = co_await shared_.services.presence.of(*visible);
    watcher = find(id);
    if (!watcher || watcher->wanted) continue;
    if (!known) {
      refuse(id, *watcher, known.error());
      continue;
    }
    for (const auto& view : *known) watcher->states.try_emplace(view.user, view);  // news are newer
    for (const auto user : users) watcher->states.try_emplace(user, PresenceView{user, false, {}});
    watcher->state = Watcher::State::answering;
    give(*connections_.find(id), *watcher);
  }
}

void PresenceWatch::replace(net::ConnectionId id, Watcher& watcher, std::vector<UserId> users) {
  std::ranges::sort(users);
  for (const auto user : watcher.users) {
    if (std::ranges::binary_search(users, user)) continue;
    const auto at = by_user_.find(user);
    std::erase(at->second, id);
    if (!at->second.empty()) continue;
    by_user_.erase(at);
    shared_.watched.went(loop_, user);
    changed_ = true;
  }
  for (const auto user : users) {
    if (std::ranges::binary_search(watcher.users, user)) continue;
    auto& watchers = by_user_[user];
    if (watchers.empty()) {
      shared_.watched.came(loop_, user);
      changed_ = true;
    }
    watchers.push_back(id);
  }
  watcher.users = std::move(users);
  watcher.states = {};
}

void PresenceWatch::flush() {
  if (std::exchange(changed_, false)) shared_.watched.flush();
}

void PresenceWatch::give(Session& session, Watcher& watcher) {
  if (session.full) return;  // on_drained comes
  const auto re = watcher.state == Watcher::State::answering ? watcher.re : 0;
  std::string batch;
  for (const auto& [user, view] : watcher.states) {
    if (session.subprotocol == wire::Subprotocol::pb)
      wire::append_frame(batch, frame_of(view, re));
    else
      connections_.send(session, frame_of(view, re));
  }
  if (!batch.empty()) connections_.send(session, batch);
  if (watcher.state == Watcher::State::idle) {
    watcher.states = {};
    return;
  }
  watcher.re = 0;  // is answered
  finish(session, watcher);
}

void PresenceWatch::refuse(net::ConnectionId id, Watcher& watcher, const Error& error) {
  auto& session = *connections_.find(id);
  connections_.send_error(session, std::exchange(watcher.re, 0), error);
  const auto held = std::exchange(watcher.states, {});
  finish(session, watcher);
  watcher.states = held;  // of what was watched before
  give(session, watcher);
}

/// The request is over, with an empty result if nothing else answered it.
void PresenceWatch::finish(Session& session, Watcher& watcher) {
  --open_;
  watcher.state = Watcher::State::idle;
  watcher.states = {};
  connections_.answered(session);
  if (watcher.re == 0) return;
  v1::ServerFrame frame;
  frame.set_re(watcher.re);
  frame.mutable_result();
  connections_.send(session, frame);
}

void PresenceWatch::tell(const std::vector<PresenceView>& changes) {
  if (changes.empty()) return;
  if (news_.empty()) boost::asio::post(io_, [this] { give_all(); });
  for (const auto& view : changes) news_.insert_or_assign(view.user, view);
}

void PresenceWatch::give_all() {
  for (const auto& [user, view] : std::exchange(news_, {})) {
    const auto at = by_user_.find(user);
    if (at == by_user_.end()) continue;
    const auto frame = frame_of(view, 0);
    Encoded message(frame);
    for (const auto id : at->second) {
      auto* session = connections_.find(id);
      if (!session) continue;
      auto& watcher = watchers_.at(id);
      if (session->full || watcher.state != Watcher::State::idle)
        watcher.states.insert_or_assign(user, view);
      else
        connections_.send_shared(*session, message.for_session(*session));
    }
  }
}

void PresenceWatch::on_drained(Session& session) {
  const auto at = watchers_.find(session.connection);
  if (at != watchers_.end() && at->second.state != Watcher::State::asking)
    give(session, at->second);
}

void PresenceWatch::on_close(net::ConnectionId id) {
  const auto at = watchers_.find(id);
  if (at == watchers_.end()) return;
  if (at->second.state != Watcher::State::idle) --open_;
  replace(id, at->second, {});
  watchers_.erase(at);
}

}  // namespace parley::gateway
