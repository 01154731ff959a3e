// What an owner must know of a conversation before it can commit anything to it.
#include <boost/asio.hpp>

#include "services/message/errors.h"
#include "services/message/owner.h"

namespace parley::message {
namespace {
constexpr std::size_t kParticipants = 1'000;  // read at once
}  // namespace

struct Owner::Loaded {
  Head head;
  std::vector<Participant> members;
  std::optional<Error> error;
};

void Owner::load(std::vector<Wanted> wanted) {
  gate_.spawn([this, wanted = std::move(wanted)] { return load_all(wanted); });
}

/// On the pool.
Owner::Loaded Owner::read(const ConversationId& id, bool whole,
                          const std::vector<UserId>& users) const {
  Loaded out;
  const auto add_marks = [&](UserId user) {
    auto marks = shared_.store.marks(id, user);
    if (marks)
      out.members.push_back({user, *marks});
    else
      out.error = marks.error();
  };
  if (whole) {
    auto head = shared_.store.head(id);
    if (head)
      out.head = *head;
    else
      out.error = head.error();
  }
  if (id.is_direct()) {
    add_marks(UserId(id.first()));
    if (id.second() != id.first()) add_marks(UserId(id.second()));
    return out;
  }
  for (const auto user : users) add_marks(user);
  if (!whole || out.head.group.wide) return out;
  for (UserId after;;) {
    auto page = shared_.store.participants(id, after, kParticipants);
    if (!page) {
      out.error = page.error();
      break;
    }
    for (const auto& participant : *page)
      if (participant.marks.member()) out.members.push_back(participant);
    if (page->size() < kParticipants) break;
    after = page->back().user;
  }
  return out;
}

/// Who asks for something in a group and was not looked up yet.
std::vector<UserId> Owner::unknown_users(ConversationState& state) const {
  std::vector<UserId> unknown;
  const auto note = [&](UserId user) {
    if (!state.member(user) && std::ranges::find(unknown, user) == unknown.end())
      unknown.push_back(user);
  };
  if (state.id.is_direct()) return unknown;
  for (const auto& waiting : state.sends) note(waiting.request.sender);
  for (const auto& waiting : state.marks) note(waiting.request.user);
  return unknown;
}

/// The first entry makes a direct conversation, if there are such people.
boost::asio::awaitable<std::optional<Error>> Owner::missing_person(ConversationId id) {
  for (const auto user : {UserId(id.first()), UserId(id.second())}) {
    auto known = co_await shared_.users.exists(user);
    if (!known) co_return known.error();
    if (!*known) co_return not_here().error();
  }
  co_return std::nullopt;
}

boost::asio::awaitable<void> Owner::load_all(std::vector<Wanted> wanted) {
  auto loaded = co_await run_blocking(shared_.loops.pool(), [this, wanted] {
    std::vector<Loaded> out;
    // The id of a state never changes, so the pool may read it while the loop owns the rest.
    for (const auto& one : wanted) out.push_back(read(one.state->id, one.whole, one.users));
    return out;
  });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto& state = *wanted[i].state;
    auto& got = loaded[i];
    if (!got.error && wanted[i].whole && state.id.is_direct() && got.head.seq == Seq(0))
      got.error = co_await missing_person(state.id);
    if (got.error) {
      Answers answers(shared_.loops);
      state.phase =
          wanted[i].whole ? ConversationState::Phase::unloaded : ConversationState::Phase::ready;
      fail_waiting(state, *got.error, answers);
      continue;
    }
    if (wanted[i].whole) {
      state.head = got.head;
      ids_.start_after(state.head.id.value);
    }
    for (const auto& [user, marks] : got.members)
      if (state.id.is_direct() || marks.joined) state.add(user, marks);
    state.phase = ConversationState::Phase::ready;
    refuse_strangers(state, wanted[i].users);
    if (state.waits()) enqueue(state);
  }
  flush();
  arm();
}

/// Who never was in the group must not learn that there is one.
void Owner::refuse_strangers(ConversationState& state, const std::vector<UserId>& asked) {
  Answers answers(shared_.loops);
  for (const auto user : asked) {
    if (state.member(user)) continue;
    std::erase_if(state.sends, [&](const WaitingSend& waiting) {
      if (waiting.request.sender != user) return false;
      answers.sent(waiting.route, waiting.request.token, not_here());
      --waiting_sends_;
      return true;
    });
    std::erase_if(state.marks, [&](const WaitingMark& waiting) {
      if (waiting.request.user != user) return false;
      answers.marked(waiting.route, waiting.request.token, not_here());
      return true;
    });
  }
}

}  // namespace parley::message
