// What was committed is handed out.
#include <algorithm>
#include <boost/asio.hpp>

#include "base/log.h"
#include "domain/group_rules.h"
#include "services/message/owner.h"

namespace parley::message {
namespace {
constexpr std::size_t kAuthorsOf = 200;  // the newest entries whose authors are told
}

void Owner::fan_out(Group& group) {
  std::vector<Delivery> deliveries;
  std::vector<ReceiptNotice> receipts;
  std::vector<ConversationNotice> notices;
  bool groups = false;
  for (auto& part : group.parts) {
    auto& state = *part.state;
    if (state.id.is_direct()) {
      std::vector<UserId> users;
      for (const auto& member : state.members) users.push_back(member.user);
      for (std::size_t i = 0; i < part.entries.size(); ++i)
        deliveries.push_back({part.entries[i], users, part.origins[i]});
      for (auto& member : state.members)
        if (member.marks.delivered < state.head.seq && !part.entries.empty())
          duty_.watch(state, member, state.head.seq, group.floor + 1);
    } else {
      groups = groups || !part.entries.empty();
      if (!part.marks.empty()) tell_authors(state);
    }
    for (const auto& waiting : part.marks) {
      auto& member = *state.member(waiting.request.user);
      if (state.id.is_direct()) tell_mark(state, member, receipts);
      if (waiting.request.read)
        notices.push_back({member.user, view_of(state, member.user), waiting.request.origin});
    }
  }
  if (groups && shared_.feed) shared_.feed->wake();
  if (!deliveries.empty()) {
    std::vector<EntryPtr> traced;
    for (const auto& part : group.parts)
      if (part.state->id.is_direct())
        for (const auto& [entry, since] : part.traced) traced.push_back(entry);
    const auto begin = traced.empty() ? Span::Time() : std::chrono::system_clock::now();
    fan_out_.deliver(std::move(deliveries),
                     [this, traced = std::move(traced), begin](std::vector<FanOut::Absent> absent) {
                       for (const auto& entry : traced)
                         shared_.traces->take(Stage::fan_out, Stage::commit, *entry, begin);
                       const auto now = shared_.hybrid.now();
                       for (const auto& who : absent) {
                         auto& state = cache_.touch(who.conversation);
                         if (auto* member = state.member(who.user))
                           duty_.absent(state, *member, who.seq, now);
                       }
                     });
  }
  fan_out_.receipts(std::move(receipts));
  fan_out_.changed(std::move(notices));
}

void Owner::tell_mark(ConversationState& state, Member& member, std::vector<ReceiptNotice>& out) {
  if (member.receipt_due || state.members.size() < 2) return;
  const auto now = shared_.clock.mono();
  if (member.receipt_sent != Clock::Mono::min() &&
      now - member.receipt_sent < shared_.settings.receipt_every) {
    member.receipt_due = true;
    ++state.pins;
    receipts_due_.emplace_back(&state, member.user);
    return;
  }
  member.receipt_sent = now;
  out.push_back({state.id, member.user, member.marks, {state.id.peer(member.user)}});
}

/// Once in `receipt_every` for all of a group: the authors of what members have confirmed or read
/// since they were last told.
void Owner::tell_authors(ConversationState& state) {
  if (state.receipts_due || state.head.group.members > kReceiptMembers) return;
  const auto now = shared_.clock.mono();
  if (state.receipts_sent != Clock::Mono::min() &&
      now - state.receipts_sent < shared_.settings.receipt_every) {
    state.receipts_due = true;
    ++state.pins;
    receipts_due_.emplace_back(&state, UserId(0));
    return;
  }
  state.receipts_sent = now;
  std::vector<Member> moved;
  for (auto& member : state.members) {
    if (member.marks.delivered == member.told.delivered && member.marks.read == member.told.read)
      continue;
    moved.push_back(member);
    member.told = member.marks;
  }
  if (moved.empty()) return;
  gate_.spawn(
      [this, id = state.id, moved = std::move(moved)] { return tell_authors_of(id, moved); });
}

boost::asio::awaitable<void> Owner::tell_authors_of(ConversationId id, std::vector<Member> moved) {
  Seq first = moved.front().marks.delivered, last;
  for (const auto& member : moved) {
    first = std::min({first, member.told.delivered, member.told.read});
    last = std::max(last, member.marks.delivered);
  }
  auto entries = co_await run_blocking(shared_.loops.pool(), [this, id, first, last] {
    return shared_.store.read(id, Seq(first.value + 1), last, kAuthorsOf, true);
  });
  if (!entries) {
    log::error("message", "cannot read whose entries were confirmed: {}", entries.error().message);
    co_return;
  }
  std::vector<ReceiptNotice> receipts;
  for (const auto& member : moved) {
    ReceiptNotice notice{id, member.user, member.marks, {}};
    for (const auto& entry : *entries) {
      const bool news =
          (entry->seq > member.told.delivered && entry->seq <= member.marks.delivered) ||
          (entry->seq > member.told.read && entry->seq <= member.marks.read);
      if (news && entry->kind == EntryKind::message && entry->sender != member.user &&
          std::ranges::find(notice.recipients, entry->sender) == notice.recipients.end())
        notice.recipients.push_back(entry->sender);
    }
    if (!notice.recipients.empty()) receipts.push_back(std::move(notice));
  }
  fan_out_.receipts(std::move(receipts));
}

ConversationView Owner::view_of(ConversationState& state, UserId user) const {
  ConversationView view;
  view.conversation = state.id;
  view.head = state.head;
  view.changed = shared_.hybrid.now();
  view.members = state.head.group.members;
  if (const auto* member = state.member(user)) {
    view.own = member->marks;
    view.joined = member->marks.joined;
    if (!member->marks.member()) view.left = member->marks.left;
  }
  if (state.id.is_direct())
    for (const auto& member : state.members)
      if (member.user != user) view.others.emplace_back(member.user, member.marks);
  return view;
}

void Owner::hand_over(ConversationState& state, UserId user, Seq from, Seq to) {
  gate_.spawn([this, id = state.id, user, from, to]() -> boost::asio::awaitable<void> {
    auto entries = co_await run_blocking(shared_.loops.pool(), [this, id, from, to] {
      return shared_.store.read(id, from, to, 200, true);
    });
    if (!entries) {
      log::error("message", "cannot read what is to be handed over again: {}",
                 entries.error().message);
      co_return;
    }
    std::vector<Delivery> again;
    for (auto& entry : *entries) again.push_back({std::move(entry), {user}, Origin(0)});
    fan_out_.deliver(std::move(again), [](auto) {});
  });
}

}  // namespace parley::message
