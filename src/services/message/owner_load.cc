// What an owner must know of a conversation before it can commit anything to it.
#include <boost/asio.hpp>

#include "base/log.h"
#include "services/message/errors.h"
#include "services/message/owner.h"

namespace parley::message {
namespace {
constexpr std::size_t kParticipants = 1'000;  // read at once
}  // namespace

struct Owner::Loaded {
  Begun begun;
  std::vector<Participant> members;
  std::vector<Before> before;             // of each key
  std::vector<std::uint64_t> countables;  // at each seq
  std::optional<Error> error;
};

void Owner::load(std::vector<Wanted> wanted) {
  if (shared_.info.one_log) {
    gate_.spawn([this, wanted = std::move(wanted)] { return load_all(wanted); });
    return;
  }
  // Each waits for a store over the network: side by side.
  for (auto& one : wanted) gate_.spawn([this, one = std::move(one)] { return load_one(one); });
}

/// What must be read before more of the conversation can be committed.
Owner::Wanted Owner::wanted_by(ConversationState& state) const {
  Wanted out{&state, state.phase == ConversationState::Phase::unloaded, unknown_users(state),
             generation_of(state.id)};
  if (!shared_.info.one_log) look_up_later(state, out);
  return out;
}

void Owner::look_up_later(const ConversationState& state, Wanted& wanted) const {
  for (const auto& waiting : state.changes)
    if (!waiting.before) wanted.keys.emplace_back(waiting.actor, key_of(waiting.change));
  for (const auto& [request, route, before] : state.sends) {
    if (wanted.keys.size() >= shared_.settings.batch_entries) break;
    if (!before) wanted.keys.emplace_back(request.sender, request.client_message_id);
  }
  for (const auto& waiting : state.marks)
    if (!waiting.read_countable && waiting.request.read &&
        (wanted.whole || waiting.request.read < state.head.seq))
      wanted.seqs.push_back(waiting.request.read);
}

/// On the pool.
Owner::Loaded Owner::read(const ConversationId& id, const Wanted& wanted) const {
  const auto& [state, whole, users, generation, keys, seqs] = wanted;
  Loaded out;
  const auto add_marks = [&](UserId user) {
    auto marks = shared_.store.marks(id, user);
    if (marks)
      out.members.push_back({user, *marks});
    else
      out.error = marks.error();
  };
  if (whole) {
    auto begun = shared_.store.begin(id, generation);
    if (begun)
      out.begun = std::move(*begun);
    else
      out.error = begun.error();
  }
  for (const auto& [sender, key] : keys) {
    auto found = shared_.store.find(id, sender, key);
    if (!found) out.error = found.error();
    out.before.push_back(found ? *found : Before());
  }
  for (const auto seq : seqs) {
    auto entries = shared_.store.read(id, seq, seq, 1, false);
    if (!entries) out.error = entries.error();
    // Where there is none, the mark is refused for what it is.
    out.countables.push_back(entries && !entries->empty() ? entries->front()->countable : 0);
  }
  if (id.is_direct()) {
    add_marks(UserId(id.first()));
    if (id.second() != id.first()) add_marks(UserId(id.second()));
    return out;
  }
  for (const auto user : users) add_marks(user);
  if (!whole || out.begun.head.group.wide) return out;
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
  auto loaded = co_await run_blocking(shared_.loading, [this, wanted] {
    std::vector<Loaded> out;
    // The id of a state never changes, so the pool may read it while the loop owns the rest.
    for (const auto& one : wanted) out.push_back(read(one.state->id, one));
    return out;
  });
  for (std::size_t i = 0; i < wanted.size(); ++i)
    co_await take_loaded(wanted[i], std::move(loaded[i]));
  flush();
  arm();
}

boost::asio::awaitable<void> Owner::load_one(Wanted wanted) {
  auto loaded = co_await run_blocking(shared_.loading,
                                      [this, wanted] { return read(wanted.state->id, wanted); });
  co_await take_loaded(wanted, std::move(loaded));
  flush();
  arm();
  finish_yielding();
}

boost::asio::awaitable<void> Owner::take_loaded(const Wanted& wanted, Loaded got) {
  auto& state = *wanted.state;
  const auto& [head, tail] = got.begun;
  // The first entry makes a direct conversation; who only asks for the head makes none.
  const bool nothing = wanted.whole && state.id.is_direct() && head.seq == Seq(0) && tail.empty();
  const bool only_asked = nothing && state.sends.empty() && state.marks.empty();
  if (!got.error && nothing && !only_asked) got.error = co_await missing_person(state.id);
  // The shard may have been lost meanwhile, and be back in another generation.
  const bool lost = generation_of(state.id) != wanted.generation;
  if (lost) got.error = lost_shard();
  // Refused though nobody has said that it is lost: a write that is left uncertain.
  else if (got.error && got.error->code == Code::stale_generation)
    shared_.over(shard_of(state.id), wanted.generation);
  state.phase = lost || (wanted.whole && got.error) ? ConversationState::Phase::unloaded
                                                    : ConversationState::Phase::ready;
  if (got.error) {
    Answers answers(shared_.loops);
    fail_waiting(state, *got.error, answers);
    if (state.rewatch && !lost) {
      log::warn("message", "cannot read whom {} still waits for: {}", state.id.text(),
                got.error->message);
      ++state.pins;
      load_again_.push_back(&state);
    }
    co_return;
  }
  if (wanted.whole) {
    state.head = head;
    state.tail = tail;
    ids_.start_after(tail.empty() ? head.id.value : tail.back()->id.value);
  }
  for (const auto& [user, marks] : got.members)
    if (state.id.is_direct() || marks.joined) state.add(user, marks);
  // What came since the reading waits for its own.
  std::size_t at = 0;
  const auto answer = [&](std::optional<Before>& before, UserId sender, const auto& key_of_it) {
    if (before || at == wanted.keys.size()) return;
    if (wanted.keys[at] == std::pair(sender, key_of_it())) before = got.before[at++];
  };
  for (auto& waiting : state.changes)
    answer(waiting.before, waiting.actor, [&] { return key_of(waiting.change); });
  for (auto& [request, route, before] : state.sends)
    answer(before, request.sender, [&r = request] { return r.client_message_id; });
  at = 0;
  for (auto& [request, route, countable] : state.marks)
    if (!countable && at < wanted.seqs.size() && wanted.seqs[at] == request.read)
      countable = got.countables[at++];
  if (only_asked) {
    tell_heads(state);
    state.phase = ConversationState::Phase::unloaded;
  }
  refuse_strangers(state, wanted.users);
  if (state.rewatch) watch_newest(state);
  if (state.waits()) enqueue(state);
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
