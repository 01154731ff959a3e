// What an owner must know of a conversation before it can commit anything to it.
#include <boost/asio.hpp>
#include <deque>
#include <mutex>

#include "base/log.h"
#include "services/message/errors.h"
#include "services/message/owner.h"

namespace parley::message {
namespace {
constexpr std::size_t kParticipants = 1'000;  // read at once
}  // namespace

/// What was read, by several threads perhaps.
struct Owner::Loaded {
  explicit Loaded(const Wanted& wanted)
      : before(wanted.keys.size()), countables(wanted.seqs.size()) {}

  /// `take(*found)`, or the error. One at a time.
  template <class T, class Take>
  void add(Result<T> found, Take take) {
    const std::lock_guard lock(mutex);
    if (found)
      take(std::move(*found));
    else
      error = std::move(found).error();
  }

  Begun begun;
  std::vector<Participant> members;
  std::vector<Before> before;             // of each key
  std::vector<std::uint64_t> countables;  // at each seq
  std::optional<Error> error;
  std::mutex mutex;
};

namespace {
/// Runs them on the pool, and resumes the caller when all are done.
boost::asio::awaitable<void> side_by_side(boost::asio::thread_pool& pool,
                                          std::vector<std::function<void()>> calls) {
  if (calls.empty()) co_return;
  co_await await_call<bool>([&pool, &calls](auto done) {
    auto open = std::make_shared<std::atomic<std::size_t>>(calls.size());
    auto last = std::make_shared<decltype(done)>(std::move(done));
    for (auto& call : calls)
      boost::asio::post(pool, [call = std::move(call), open, last] {
        call();
        if (open->fetch_sub(1) == 1) (*last)(true);
      });
  });
}
}  // namespace

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

/// Whether something can be committed before that is read. What comes while others are looked up
/// must not hold them up, or they would wait for as long as more comes.
bool Owner::can_go_on(const ConversationState& state, const Wanted& wanted) const {
  if (shared_.info.one_log || wanted.whole || !wanted.users.empty()) return false;
  if (!state.tail.empty()) return true;
  // Nothing that was sent after a change overtakes it.
  const bool changes = std::ranges::all_of(
      state.changes, [](const auto& waiting) { return waiting.before.has_value(); });
  return changes &&
         (!state.changes.empty() || (!state.sends.empty() && state.sends.front().before));
}

void Owner::look_up_later(ConversationState& state, Wanted& wanted) const {
  for (const auto& waiting : state.changes)
    if (!waiting.before) wanted.keys.emplace_back(waiting.actor, key_of(waiting.change));
  for (auto& [request, route, before, since] : state.sends) {
    if (wanted.keys.size() >= shared_.settings.batch_entries) break;
    if (!before && !wanted.whole && state.is_new(request.sender, request.client_message_id))
      before.emplace();
    if (!before) wanted.keys.emplace_back(request.sender, request.client_message_id);
  }
  const auto needs_countable = [&](const WaitingMark& waiting) {
    const auto read = waiting.request.read;
    if (waiting.read_countable || !read) return false;
    if (wanted.whole) return true;
    const auto* member = state.member(waiting.request.user);
    return read < state.head.seq && (!member || read > member->marks.read);
  };
  for (const auto& waiting : state.marks)
    if (needs_countable(waiting)) wanted.seqs.push_back(waiting.request.read);
}

/// What is read first: the end of the log. The marks of the two who talk are only asked for then,
/// too: who owns the conversation knows them from there on. To be called on the pool, as all reads.
Owner::Reads Owner::first_reads(const ConversationId& id, const Wanted& wanted, Loaded& out) const {
  Reads reads;
  if (!wanted.whole) return reads;
  reads.push_back([this, id, generation = wanted.generation, &out] {
    out.add(shared_.store.begin(id, generation),
            [&](Begun begun) { out.begun = std::move(begun); });
  });
  if (!id.is_direct()) return reads;
  reads.push_back(marks_of(id, UserId(id.first()), out));
  if (id.second() != id.first()) reads.push_back(marks_of(id, UserId(id.second()), out));
  return reads;
}

/// What is read once the end is known, and of a conversation that is known already.
Owner::Reads Owner::more_reads(const ConversationId& id, const Wanted& wanted, Loaded& out) const {
  Reads reads;
  // Greater than any key before: nothing is there.
  const auto is_new = [&](std::string_view text) {
    const auto key = uuid_v7(text);
    const auto& [head, tail] = out.begun;
    return wanted.whole && key && *key > (tail.empty() ? head.newest_key : tail.back()->newest_key);
  };
  for (std::size_t i = 0; i < wanted.keys.size(); ++i) {
    if (is_new(wanted.keys[i].second)) continue;
    reads.push_back([this, id, key = wanted.keys[i], i, &out] {
      out.add(shared_.store.find(id, key.first, key.second),
              [&](Before before) { out.before[i] = before; });
    });
  }
  for (std::size_t i = 0; i < wanted.seqs.size(); ++i)
    reads.push_back([this, id, seq = wanted.seqs[i], i, &out] {
      // Where there is no entry, the mark is refused for what it is.
      out.add(shared_.store.read(id, seq, seq, 1, false),
              [&](const std::vector<EntryPtr>& entries) {
                out.countables[i] = entries.empty() ? 0 : entries.front()->countable;
              });
    });
  for (const auto user : wanted.users) reads.push_back(marks_of(id, user, out));
  if (wanted.whole && !id.is_direct() && !out.begun.head.group.wide)
    reads.push_back([this, id, &out] { read_members(id, out); });
  return reads;
}

std::function<void()> Owner::marks_of(const ConversationId& id, UserId user, Loaded& out) const {
  return [this, id, user, &out] {
    out.add(shared_.store.marks(id, user),
            [&](Marks marks) { out.members.push_back({user, marks}); });
  };
}

void Owner::read_members(const ConversationId& group, Loaded& out) const {
  std::size_t found = kParticipants;
  for (UserId after; found == kParticipants;) {
    found = 0;
    out.add(shared_.store.participants(group, after, kParticipants),
            [&](const std::vector<Participant>& page) {
              for (const auto& participant : page)
                if (participant.marks.member()) out.members.push_back(participant);
              found = page.size();
              if (found > 0) after = page.back().user;
            });
  }
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
  std::deque<Loaded> loaded;
  for (const auto& one : wanted) loaded.emplace_back(one);
  co_await run_blocking(shared_.loading, [this, &wanted, &loaded] {
    // The id of a state never changes, so the pool may read it while the loop owns the rest.
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto& id = wanted[i].state->id;
      for (const auto& read : first_reads(id, wanted[i], loaded[i])) read();
      for (const auto& read : more_reads(id, wanted[i], loaded[i])) read();
    }
    return true;
  });
  for (std::size_t i = 0; i < wanted.size(); ++i) co_await take_loaded(wanted[i], loaded[i]);
  flush();
  arm();
}

/// Every read of a step takes a round trip of the store's, which may be a long one: side by side.
boost::asio::awaitable<void> Owner::load_one(Wanted wanted) {
  Loaded loaded(wanted);
  const auto& id = wanted.state->id;
  co_await side_by_side(shared_.loading, first_reads(id, wanted, loaded));
  if (!loaded.error) co_await side_by_side(shared_.loading, more_reads(id, wanted, loaded));
  co_await take_loaded(wanted, loaded);
  flush();
  arm();
  finish_yielding();
}

boost::asio::awaitable<void> Owner::take_loaded(const Wanted& wanted, Loaded& got) {
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
    for (auto& member : state.members) member.newest_key = {};  // another may have written since
    ids_.start_after(tail.empty() ? head.id.value : tail.back()->id.value);
  }
  // Whichever was read first.
  std::ranges::sort(got.members, {}, &Participant::user);
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
  for (auto& [request, route, before, since] : state.sends)
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
