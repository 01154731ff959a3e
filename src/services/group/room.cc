#include "services/group/room.h"

#include <algorithm>

namespace parley::group {

void Room::add(UserId user, Seq joined, const Gateways* gateways) {
  auto [at, added] = members_.try_emplace(user);
  if (joined && !settled_) stints_[user] = {joined, Seq(0)};
  if (!added) return;
  if (gateways)
    move(user, gateways);
  else
    make_candidate(user, at->second);
}

void Room::remove(UserId user) {
  const auto at = members_.find(user);
  if (at == members_.end()) return;
  if (at->second.online) go_offline(at->second);
  members_.erase(at);
  stints_.erase(user);
}

void Room::move(UserId user, const Gateways* gateways) {
  auto* known = member(user);
  if (!known) return;
  if (!gateways) {
    if (known->online) go_offline(*known);
    return make_candidate(user, *known);
  }
  if (known->online) {
    online_[known->online - 1].gateways = *gateways;
    return;
  }
  online_.push_back({user, *gateways});
  known->online = static_cast<std::uint32_t>(online_.size());
}

// The last one takes the place of the one that goes.
void Room::go_offline(Member& member) {
  const auto place = member.online;
  if (place != online_.size()) {
    online_[place - 1] = std::move(online_.back());
    members_.at(online_[place - 1].user).online = place;
  }
  online_.pop_back();
  member.online = 0;
}

void Room::passes(Seq seq, std::uint64_t version) {
  head = std::max(head, seq);
  if (settled_ || version < loaded_version_) return;
  settled_ = true;
  stints_ = {};
}

bool Room::had_joined(UserId user, Seq seq) const {
  if (settled_) return true;
  const auto at = stints_.find(user);
  if (at == stints_.end()) return false;
  const auto [joined, left] = at->second;
  return joined && joined <= seq && (left <= joined || seq <= left);
}

std::vector<UserId> Room::unknown() const {
  std::vector<UserId> users;
  if (!settled_)
    for (const auto& [user, gateways] : online_)
      if (!stints_.contains(user)) users.push_back(user);
  return users;
}

void Room::make_candidate(UserId user, Member& member) {
  if (member.candidate) return;
  member.candidate = true;
  candidates_.push_back(user);
}

std::vector<UserId> Room::take_candidates() {
  std::vector<UserId> taken;
  for (const auto user : std::exchange(candidates_, {}))
    if (auto* known = member(user); known && known->candidate) {
      known->candidate = false;
      if (!known->online) taken.push_back(user);
    }
  return taken;
}

}  // namespace parley::group
