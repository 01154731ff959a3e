#include "services/group/rooms.h"

#include <algorithm>
#include <tuple>

namespace parley::group {
namespace {

constexpr std::size_t kMembersPage = 10'000;

struct Loaded {
  std::uint64_t version = 0;
  std::vector<UserId> members;
};

Result<Loaded> load(GroupStore& store, GroupId group) {
  Loaded loaded;
  for (UserId after(0);;) {
    PARLEY_TRY(page, store.members(group, after, kMembersPage));
    for (const auto& member : page) loaded.members.push_back(member.user);
    if (page.size() < kMembersPage) break;
    after = page.back().user;
  }
  // Read last: no member is there by a later version than this.
  PARLEY_TRY(found, store.find(group, UserId(0)));
  if (found) loaded.version = found->group.version;
  return loaded;
}

}  // namespace

Awaitable<Result<Room*>> Rooms::get(GroupId group) {
  auto at = rooms_.find(group);
  if (at == rooms_.end()) {
    PARLEY_CO_TRY(loaded,
                  co_await run_blocking(loops_.pool(), [&] { return load(store_, group); }));
    bool first = false;  // else another call has loaded it meanwhile
    std::tie(at, first) = rooms_.try_emplace(group);
    if (first) {
      at->second = std::make_unique<Room>(group, loaded.version);
      recent_.push_front(*at->second);
      for (const auto user : loaded.members) add(*at->second, user, Seq(0));
    }
  }
  Room& room = *at->second;
  recent_.erase(recent_.iterator_to(room));
  recent_.push_front(room);
  ++room.pins;
  co_return &room;
}

void Rooms::unpin(Room& room) {
  --room.pins;
  evict();
}

void Rooms::evict() {
  for (auto at = recent_.end();
       at != recent_.begin() && members_ + rooms_.size() > settings_.room_members;) {
    Room& room = *--at;
    if (room.pins != 0) continue;
    at = recent_.erase(at);
    std::vector<UserId> users;
    room.for_each_member([&](UserId user) { users.push_back(user); });
    for (const auto user : users) remove(room, user);
    rooms_.erase(room.id);
  }
}

void Rooms::add(Room& room, UserId user, Seq joined) {
  if (!room.member(user)) {
    rooms_of_[user].push_back(&room);
    ++members_;
  }
  room.add(user, joined, where(user));
}

void Rooms::remove(Room& room, UserId user) {
  if (!room.member(user)) return;
  room.remove(user);
  --members_;
  auto& rooms = rooms_of_[user];
  rooms.erase(std::ranges::find(rooms, &room));
  if (rooms.empty()) rooms_of_.erase(user);
}

void Rooms::apply(Room& room, const GroupChange& change, Seq seq) {
  using What = GroupChange::What;
  if (change.what == What::created || change.what == What::added)
    for (const auto user : change.users) add(room, user, seq);
  if (change.what == What::removed || change.what == What::left)
    for (const auto user : change.users) remove(room, user);
  if (change.what == What::dissolved) {
    std::vector<UserId> users;
    room.for_each_member([&](UserId user) { users.push_back(user); });
    for (const auto user : users) remove(room, user);
  }
}

const Gateways* Rooms::where(UserId user) const {
  const auto at = online_.find(user);
  return at == online_.end() ? nullptr : at->second;
}

void Rooms::on_sessions(const std::vector<SessionListener::Change>& changes,
                        const std::function<void(Room&, UserId)>& came) {
  for (const auto& [user, gateways] : changes) {
    if (gateways.empty())
      online_.erase(user);
    else
      online_[user] = &*places_.emplace(gateways.begin(), gateways.end()).first;
    const auto rooms = rooms_of_.find(user);
    if (rooms == rooms_of_.end()) continue;
    const auto* now = where(user);
    for (auto* room : rooms->second) {
      room->move(user, now);
      if (now) came(*room, user);
    }
  }
}

}  // namespace parley::group
