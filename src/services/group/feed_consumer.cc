#include "services/group/feed_consumer.h"

#include <boost/asio.hpp>

#include "base/log.h"

namespace parley::group {
namespace {

constexpr const char* kConsumer = "groups";
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kIdleTick{1};  // where nothing is due before `confirm_within`
constexpr std::chrono::seconds kKeepPosition{2};

bool leaves(GroupChange::What what) {
  using What = GroupChange::What;
  return what == What::removed || what == What::left || what == What::dissolved;
}

}  // namespace

Awaitable<Result<void>> FeedConsumer::start() {
  PARLEY_CO_TRY(stored, co_await n_.feed.position(kConsumer));
  position_ = kept_ = stored;
  n_.gate.spawn([this] { return run(); });
  n_.gate.spawn([this] { return ticks(); });
  co_return Result<void>{};
}

Awaitable<void> FeedConsumer::run() {
  BackOff back_off(n_.settings);
  while (!n_.pauses.closed()) {
    const auto page =
        co_await n_.feed.read(position_, n_.settings.feed_page, n_.settings.feed_patience);
    if (!page) {
      log::warn("group", "the feed cannot be read: {}", page.error().message);
      co_await n_.pauses.sleep(back_off.next());
      continue;
    }
    back_off = BackOff(n_.settings);
    if (co_await take(*page)) position_ = page->next;
  }
}

Awaitable<void> FeedConsumer::ticks() {
  for (auto kept = n_.clock.mono(); !n_.pauses.closed();) {
    co_await n_.pauses.sleep(n_.duty.waits() ? kTick : kIdleTick);
    n_.duty.tick();
    if (n_.clock.mono() - kept < kKeepPosition) continue;
    kept = n_.clock.mono();
    keep_position();
  }
}

void FeedConsumer::keep_position() {
  const auto decided = std::min(position_, n_.duty.undecided_from() - 1);
  if (decided <= kept_) return;
  kept_ = decided;
  n_.feed.passed(kConsumer, decided);
}

// False: the service closes.
Awaitable<bool> FeedConsumer::take(const FeedItems& page) {
  FanOut out(n_.reach);
  std::vector<RoomPin> pins;
  const auto begin = n_.traces ? std::chrono::system_clock::now() : Span::Time();
  std::vector<EntryPtr> traced;
  for (const auto& item : page.items) {
    const auto& entry = *item.entry;
    const auto room = co_await room_of(GroupId(entry.conversation.first()));
    if (n_.pauses.closed()) co_return false;
    if (!room) {
      log::error("group", "nobody gets entry {} of {}: {}", entry.seq.value,
                 entry.conversation.text(), room.error().message);
      continue;
    }
    pins.emplace_back(n_.rooms, **room);
    (*room)->passes(entry.seq, entry.group.version);
    co_await learn_joined(**room);
    if (n_.pauses.closed()) co_return false;
    pass(pins.back(), item, out);
    if (n_.traces && n_.traces->wants(entry)) traced.push_back(item.entry);
  }
  out.send();
  for (const auto& each : traced) trace(*each, begin);
  co_return true;
}

void FeedConsumer::trace(const Entry& entry, Span::Time begin) const {
  const Span::Time stored{std::chrono::milliseconds(entry.time.value)};
  n_.traces->take({trace_of(entry.sender, entry.client_message_id), Stage::feed, Stage::commit,
                   stored, begin, entry.conversation, entry.seq});
  n_.traces->take(Stage::fan_out, Stage::feed, entry, begin);
}

Awaitable<Result<Room*>> FeedConsumer::room_of(GroupId group) {
  for (BackOff back_off(n_.settings);;) {
    auto room = co_await n_.rooms.get(group);
    if (room || n_.pauses.closed() || !describe(room.error().code).retryable) co_return room;
    log::warn("group", "members are not read group={} error={}", group.value, room.error().message);
    co_await n_.pauses.sleep(back_off.next());
  }
}

// Also of those who come online while the others are asked for: what they read from the store may
// have ended before the entry that passes.
Awaitable<void> FeedConsumer::learn_joined(Room& room) {
  for (auto users = room.unknown(); !users.empty() && !n_.pauses.closed(); users = room.unknown()) {
    const auto marks =
        co_await ask_marks(n_.messages, n_.pauses, n_.settings, room.conversation, users);
    if (!marks)
      log::error("group", "members of {} are not told: {}", room.id.value, marks.error().message);
    for (std::size_t i = 0; i < users.size(); ++i)
      room.learn(users[i],
                 marks ? Room::Stint{(*marks)[i].joined, (*marks)[i].left} : Room::Stint{});
  }
}

void FeedConsumer::pass(const RoomPin& room, const FeedItem& item, FanOut& out) {
  const auto& entry = item.entry;
  const auto* change = entry->change.get();
  if (change && !leaves(change->what)) n_.rooms.apply(*room, *change, entry->seq);
  for (const auto& [user, gateways] : room->online())
    if (room->had_joined(user, entry->seq)) out.add(entry, user, gateways);
  if (change && leaves(change->what)) {
    std::vector<UserId> gone;  // who were not told of all that is before this entry
    for (const auto user : change->users)
      if (n_.rooms.where(user) && (!room->member(user) || !room->had_joined(user, entry->seq)))
        gone.push_back(user);
    if (!gone.empty()) n_.duty.catch_up(room, std::move(gone), entry->seq, item.position);
    n_.rooms.apply(*room, *change, entry->seq);
  }
  if (room->has_candidates())
    if (auto offline = room->take_candidates(); !offline.empty())
      n_.duty.absent(room, std::move(offline), item.position);
  if (!room->online().empty()) n_.duty.watch(room, item.position);
}

}  // namespace parley::group
