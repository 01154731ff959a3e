#include "services/group/group_duty.h"

#include <boost/asio.hpp>
#include <limits>
#include <span>

#include "base/log.h"

namespace parley::group {
namespace asio = boost::asio;
namespace {
constexpr std::chrono::milliseconds kWindow{500};
constexpr auto kNothing = std::numeric_limits<std::uint64_t>::max();
}  // namespace

Awaitable<Result<std::vector<Marks>>> ask_marks(MessageApi& messages, Pauses& pauses,
                                                const Settings& settings,
                                                ConversationId conversation,
                                                std::vector<UserId> users) {
  for (BackOff back_off(settings);;) {
    auto marks = co_await messages.marks(conversation, users);
    if (marks || pauses.closed() || !describe(marks.error().code).retryable) co_return marks;
    log::warn("group", "asking for marks again group={} error={}", conversation.first(),
              marks.error().message);
    co_await pauses.sleep(back_off.next());
  }
}

void GroupDuty::watch(const RoomPin& room, std::uint64_t position) {
  const auto now = n_.clock.mono();
  if (room->check >= first_check_) {
    auto& latest = checks_[room->check - first_check_];
    if (now - latest.opened < kWindow) {
      latest.seq = room->head;
      if (position < latest.position) {
        undecided_.erase(undecided_.find(latest.position));
        latest.position = *undecided_.insert(position);
      }
      return;
    }
  }
  undecided_.insert(position);
  checks_.push_back({now, room.again(), room->head, position});
  room->check = first_check_ + checks_.size() - 1;
}

void GroupDuty::absent(const RoomPin& room, std::vector<UserId> users, std::uint64_t position) {
  queue({Work::Kind::absent, room.again(), std::move(users), room->head, position});
}

void GroupDuty::catch_up(const RoomPin& room, std::vector<UserId> users, Seq seq,
                         std::uint64_t position) {
  queue({Work::Kind::catch_up, room.again(), std::move(users), seq, position});
}

void GroupDuty::came(Room& room, UserId user) {
  if (room.member(user)->pushed == Seq(0)) return;
  ++room.pins;
  watch(RoomPin(n_.rooms, room), kNothing);
}

void GroupDuty::tick() {
  const auto now = n_.clock.mono();
  while (!checks_.empty() && now - checks_.front().opened >= n_.settings.confirm_within + kWindow) {
    Check check = std::move(checks_.front());
    checks_.pop_front();
    ++first_check_;
    // Who went offline meanwhile is among the candidates.
    auto users = check.room->take_candidates();
    for (const auto& online : check.room->online()) users.push_back(online.user);
    queue({Work::Kind::check, check.room.again(), std::move(users), check.seq, check.position});
    undecided_.erase(undecided_.find(check.position));
  }
}

std::uint64_t GroupDuty::undecided_from() const {
  return undecided_.empty() ? kNothing : *undecided_.begin();
}

void GroupDuty::queue(Work work) {
  undecided_.insert(work.position);
  work_.push_back(std::move(work));
  if (std::exchange(working_, true)) return;
  n_.gate.spawn([this] { return run(); });
}

Awaitable<void> GroupDuty::run() {
  while (!work_.empty() && !n_.pauses.closed()) {
    const Work work = std::move(work_.front());
    work_.pop_front();
    // What was given up stays undecided, so that a restart tries again.
    if (co_await decide(work)) undecided_.erase(undecided_.find(work.position));
  }
  working_ = false;
}

Awaitable<bool> GroupDuty::decide(const Work& work) {
  const std::span all(work.users);
  for (std::size_t at = 0; at < all.size(); at += n_.settings.users_at_once) {
    const auto part = all.subspan(at, std::min(n_.settings.users_at_once, all.size() - at));
    const auto marks = co_await ask_marks(n_.messages, n_.pauses, n_.settings,
                                          work.room->conversation, {part.begin(), part.end()});
    if (!marks) {
      log::error("group", "nobody is pushed group={} error={}", work.room->id.value,
                 marks.error().message);
      co_return false;
    }
    std::vector<Push> pushes;
    Again again;
    for (std::size_t i = 0; i < part.size(); ++i) judge(work, part[i], (*marks)[i], pushes, again);
    co_await hand_over(work, std::move(again));
    if (!co_await push(std::move(pushes))) co_return false;
  }
  co_return true;
}

void GroupDuty::judge(const Work& work, UserId user, const Marks& marks, std::vector<Push>& pushes,
                      Again& again) {
  const Seq from(std::max(marks.delivered.value + 1, marks.joined.value));
  if (work.kind == Work::Kind::catch_up) {
    if (marks.delivered < work.seq) again[from].push_back(user);
    return;
  }
  auto* member = work.room->member(user);
  if (!member) return;
  // More may have passed since; what is said now is true of all of it.
  const bool at_once = work.kind == Work::Kind::absent;
  const Seq seq = at_once ? work.room->head : work.seq;
  if (marks.delivered >= member->pushed) member->pushed = Seq(0);
  // Not a member by the log: he joins by an entry that is still to pass.
  if (!marks.member() || marks.delivered >= seq || marks.joined > seq) {
    if (!member->online) work.room->make_candidate(user, *member);
    return;
  }
  if (member->online && at_once) return watch(work.room, work.position);  // came back meanwhile
  if (member->online) again[from].push_back(user);
  if (member->pushed) return;
  member->pushed = seq;
  pushes.push_back({user, work.room->conversation, seq, n_.clock.wall()});
}

// Those who have the same mark may read the same entries.
Awaitable<void> GroupDuty::hand_over(const Work& work, Again again) {
  FanOut out(n_.reach);
  for (const auto& [from, users] : again) {
    const auto entries = co_await n_.messages.entries(users.front(), work.room->conversation, from,
                                                      work.seq, n_.settings.entries_again);
    if (!entries) {
      log::error("group", "cannot read what is to be handed over again: {}",
                 entries.error().message);
      continue;
    }
    for (const auto& entry : *entries)
      for (const auto user : users)
        if (const auto* gateways = n_.rooms.where(user)) out.add(entry, user, *gateways);
  }
  out.send();
}

Awaitable<bool> GroupDuty::push(std::vector<Push> pushes) {
  if (pushes.empty()) co_return true;
  n_.decided.add(static_cast<std::int64_t>(pushes.size()));
  for (BackOff back_off(n_.settings);;) {
    const auto done = co_await notify(pushes);
    if (done) co_return true;
    log::error("group", "pushes not recorded: {}", done.error().message);
    if (n_.pauses.closed() || !describe(done.error().code).retryable) co_return false;
    co_await n_.pauses.sleep(back_off.next());
  }
}

Awaitable<Result<void>> GroupDuty::notify(std::vector<Push> pushes) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      [this](auto handler, std::vector<Push> batch) {
        n_.notifications.notify(
            std::move(batch), [this, handler = std::move(handler)](Result<void> done) mutable {
              asio::post(n_.executor, [handler = std::move(handler), done]() mutable {
                std::move(handler)(std::move(done));
              });
            });
      },
      asio::use_awaitable, std::move(pushes));
}

}  // namespace parley::group
