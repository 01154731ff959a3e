#include "services/message/owner.h"

#include <boost/asio.hpp>
#include <limits>

#include "base/check.h"
#include "base/log.h"
#include "services/message/errors.h"

namespace parley::message {
namespace {
constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
constexpr auto kNothingInFlight = std::numeric_limits<std::int64_t>::max();
constexpr std::chrono::milliseconds kTick{100};
}  // namespace

Owner::Owner(Shared& shared, std::size_t loop, std::uint32_t node)
    : shared_(shared),
      loop_(loop),
      ids_(node, shared.info.last_issued),
      generations_(shared.info.one_log ? 0 : kShards),
      cache_(std::max<std::size_t>(64, shared.settings.cached_conversations / shared.loops.size())),
      fan_out_(shared.sessions, shared.reach),
      duty_(shared.settings, shared.clock, shared.notifications, shared.pushes,
            [this](ConversationState& state, UserId user, Seq from, Seq to) {
              hand_over(state, user, from, to);
            }),
      gate_(shared.loops.at(loop).get_executor(), "message owner"),
      timer_(shared.loops.at(loop)),
      oldest_in_flight_(kNothingInFlight),
      undecided_from_(kNever) {}

void Owner::send(std::vector<SendRequest> batch, Route route) {
  Answers answers(shared_.loops);
  for (auto& request : batch) {
    const auto token = request.token;
    if (closing_) {
      answers.sent(route, token, std::unexpected(stopping(request.conversation)));
    } else if (request.conversation.is_direct() && !request.conversation.has(request.sender)) {
      answers.sent(route, token, not_here());
    } else if (waiting_sends_ >= shared_.settings.waiting_sends) {
      shared_.refused.add(Code::busy);
      answers.sent(route, token, fail_for(Code::busy, "too many sends wait to be stored", 500));
    } else {
      auto& state = cache_.touch(request.conversation);
      Span::Time since{};
      if (shared_.traces &&
          shared_.traces->wants(trace_of(request.sender, request.client_message_id)))
        since = std::chrono::system_clock::now();
      state.sends.push_back({std::move(request), route, {}, since});
      ++waiting_sends_;
      enqueue(state);
    }
  }
  flush();
}

void Owner::mark(std::vector<MarkRequest> batch, Route route) {
  Answers answers(shared_.loops);
  for (auto& request : batch) {
    if (closing_) {
      answers.marked(route, request.token, std::unexpected(stopping(request.conversation)));
    } else if (request.conversation.is_direct() && !request.conversation.has(request.user)) {
      answers.marked(route, request.token, not_here());
    } else {
      auto& state = cache_.touch(request.conversation);
      state.marks.push_back({std::move(request), route});
      enqueue(state);
    }
  }
  flush();
}

/// Who asks for what was handed over is to ask its next owner.
Error Owner::stopping(const ConversationId& id) const {
  if (!generation_of(id)) return lost_shard();
  return {Code::unavailable, "the server is stopping", {}, 1'000};
}

void Owner::head(const ConversationId& id, std::move_only_function<void(Result<Head>)> done) {
  if (closing_) return done(std::unexpected(stopping(id)));
  auto& state = cache_.touch(id);
  state.heads.push_back(std::move(done));
  if (state.phase == ConversationState::Phase::ready && state.tail.empty())
    return tell_heads(state);
  enqueue(state);
  flush();
}

void Owner::tell_heads(ConversationState& state) {
  if (state.heads.empty()) return;
  for (auto& done : std::exchange(state.heads, {}))
    shared_.holds(shard_of(state.id), generation_of(state.id))
        ? done(state.head)
        : done(std::unexpected(lost_shard()));
}

void Owner::append(const ConversationId& group, WaitingChange change) {
  if (closing_) return change.done(std::unexpected(stopping(group)));
  auto& state = cache_.touch(group);
  state.changes.push_back(std::move(change));
  enqueue(state);
  flush();
}

void Owner::enqueue(ConversationState& state) {
  if (state.queued || state.in_flight || state.phase == ConversationState::Phase::loading) return;
  state.queued = true;
  ++state.pins;
  work_.push_back(&state);
}

void Owner::flush() {
  if (work_.empty()) {
    commits_now_.store(in_flight_.size(), std::memory_order_relaxed);
    return finish_closing();
  }
  Answers answers(shared_.loops);
  std::vector<Wanted> wanted;
  auto group = std::make_unique<Group>();
  // Before any time of this group is taken: what reads the store meanwhile must not believe itself
  // past it.
  group->started = shared_.hybrid.now();
  while (!work_.empty()) {  // what is only partly answered comes again
    for (auto* state : std::exchange(work_, {})) {
      state->queued = false;
      --state->pins;
      if (!generation_of(state->id)) {
        fail_waiting(*state, lost_shard(), answers);
        continue;
      }
      if (auto needs = wanted_by(*state); needs.any() && !can_go_on(*state, needs)) {
        state->phase = ConversationState::Phase::loading;
        wanted.push_back(std::move(needs));
        continue;
      }
      Part part{state, {}, {}, {}, {}, {}, {}};
      build(*state, part, answers);
      if (!part.empty())
        group->parts.push_back(std::move(part));
      else if (state->waits())
        enqueue(*state);
    }
  }
  if (!wanted.empty()) load(std::move(wanted));
  if (shared_.info.one_log) {
    if (!group->parts.empty()) commit(std::move(group));
  } else {
    for (auto& part : group->parts) {
      auto one = std::make_unique<Group>(Group{{}, group->started, {}, 0});
      one->parts.push_back(std::move(part));
      commit(std::move(one));
    }
  }
  cache_.evict();
  sends_now_.store(waiting_sends_, std::memory_order_relaxed);
  commits_now_.store(in_flight_.size(), std::memory_order_relaxed);
  finish_closing();
}

void Owner::commit(std::unique_ptr<Group> group) {
  std::vector<Append> appends;
  appends.reserve(group->parts.size());
  for (auto& part : group->parts) {
    part.state->in_flight = true;
    Append append{part.state->id, part.entries, {}, false, part.changes};
    name_inboxes(part, append);
    appends.push_back(std::move(append));
  }
  group->floor = shared_.info.one_log ? shared_.stored_position.load(std::memory_order_relaxed)
                                      : static_cast<std::uint64_t>(group->started.value) - 1;
  in_flight_.push_back(group.get());
  if (shared_.traces) group->committing = std::chrono::system_clock::now();
  publish();
  group->generation = generation_of(appends.front().conversation);
  shared_.store.commit(
      group->generation, shared_.hybrid.now(), std::move(appends),
      [this, group = std::move(group)](Result<std::uint64_t> outcome) mutable {
        boost::asio::post(shared_.loops.at(loop_),
                          [this, group = std::move(group), outcome = std::move(outcome)]() mutable {
                            settle(std::move(group), std::move(outcome));
                          });
      });
}

void Owner::trace(const Group& group, const Error* failed) const {
  const auto code = failed ? describe(failed->code).name : std::string_view();
  for (const auto& part : group.parts)
    for (const auto& [entry, since] : part.traced) {
      shared_.traces->take(Stage::commit, Stage::owner, *entry, group.committing, 0, code);
      shared_.traces->take(Stage::owner, Stage::gateway, *entry, since, 0, code);
    }
}

/// For the log: which messages it was about, as their traces are called.
std::string Owner::traces_of(const Group& group) {
  constexpr std::size_t kMost = 3;
  std::string out;
  std::size_t told = 0;
  for (const auto& part : group.parts)
    for (const auto& entry : part.entries)
      if (entry->kind == EntryKind::message && told++ < kMost)
        out += " trace=" + text_of(trace_of(entry->sender, entry->client_message_id));
  return out;
}

void Owner::settle(std::unique_ptr<Group> group, Result<std::uint64_t> outcome) {
  const auto place = std::ranges::find(in_flight_, group.get());
  PARLEY_CHECK(place == in_flight_.begin() || !shared_.info.one_log,
               "one log settles commits in the order of the calls");
  in_flight_.erase(place);
  if (shared_.traces) trace(*group, outcome ? nullptr : &outcome.error());
  {
    Answers answers(shared_.loops);
    for (auto& part : group->parts) {
      auto& state = *part.state;
      state.in_flight = false;
      if (!outcome) {
        for (const auto& answer : part.answers)
          answers.sent(answer.route, answer.token, std::unexpected(outcome.error()));
        for (const auto& waiting : part.marks)
          answers.marked(waiting.route, waiting.request.token, std::unexpected(outcome.error()));
        if (part.changed) part.changed(std::unexpected(outcome.error()));
        // What queued behind a failed send must not overtake it when it comes again.
        fail_waiting(state, outcome.error(), answers);
        if (!shared_.info.one_log) {
          unload(state);
          shared_.over(shard_of(state.id), group->generation);
        }
        continue;
      }
      if (!part.entries.empty()) {
        state.head = head_after(*part.entries.back());
        state.tail.clear();
        for (const auto& entry : part.entries)
          state.note_key(entry->sender, entry->client_message_id);
        forget_look_ups(state, part.entries);
        if (!shared_.info.one_log)
          shared_.last_commit[shard_of(state.id).value] = state.head.time.value;
      }
      for (const auto& change : part.changes) {
        auto* member = state.member(change.user);
        if (member)
          member->marks.merge(change.marks);
        else if (change.marks.joined && !state.head.group.wide)
          state.add(change.user, change.marks);
      }
      if (part.changed) part.changed(state.head);
      for (const auto& answer : part.answers) answers.sent(answer.route, answer.token, answer.head);
      for (const auto& waiting : part.marks)
        answers.marked(waiting.route, waiting.request.token, {});
      shared_.sent.add(static_cast<std::int64_t>(part.entries.size()));
    }
  }
  if (outcome) {
    auto seen = shared_.stored_position.load(std::memory_order_relaxed);
    while (seen < *outcome && !shared_.stored_position.compare_exchange_weak(seen, *outcome)) {
    }
    fan_out(*group);
  } else {
    shared_.refused.add(outcome.error().code);
    log::warn("message", "commit refused: {}{}", outcome.error().message, traces_of(*group));
  }
  for (auto& part : group->parts)
    if (part.state->waits()) enqueue(*part.state);
  group.reset();
  flush();
  arm();
  publish();
  finish_yielding();
}

/// What was looked up of a key before it was committed says nothing any more: a twin that waits is
/// looked up again. Other keys stay as they were: nobody else writes meanwhile what would count.
void Owner::forget_look_ups(ConversationState& state, const std::vector<EntryPtr>& committed) {
  if (shared_.info.one_log) return;
  std::set<std::pair<UserId, std::string_view>> keys;
  for (const auto& entry : committed) keys.emplace(entry->sender, entry->client_message_id);
  for (auto& [request, route, before, since] : state.sends)
    if (keys.contains({request.sender, request.client_message_id})) before.reset();
  for (auto& waiting : state.changes)
    if (keys.contains({waiting.actor, key_of(waiting.change)})) waiting.before.reset();
}

void Owner::fail_waiting(ConversationState& state, const Error& error, Answers& answers) {
  waiting_sends_ -= state.sends.size();
  for (auto& waiting : std::exchange(state.sends, {}))
    answers.sent(waiting.route, waiting.request.token, std::unexpected(error));
  for (auto& waiting : std::exchange(state.marks, {}))
    answers.marked(waiting.route, waiting.request.token, std::unexpected(error));
  for (auto& waiting : std::exchange(state.changes, {})) waiting.done(std::unexpected(error));
  for (auto& done : std::exchange(state.heads, {})) done(std::unexpected(error));
}

void Owner::rewatch(const std::vector<ConversationId>& conversations, std::uint64_t position,
                    std::function<void()> done) {
  auto rewatch = std::make_shared<Rewatch>(position, 1, std::move(done));
  rewatching_.insert(position);
  for (const auto& id : conversations) {
    auto& state = cache_.touch(id);
    if (state.rewatch) end(*state.rewatch);  // of an earlier generation
    state.rewatch = rewatch;
    ++rewatch->open;
    if (state.phase == ConversationState::Phase::ready)
      watch_newest(state);
    else
      enqueue(state);
  }
  end(*rewatch);
  flush();
  publish();
}

void Owner::watch_newest(ConversationState& state) {
  const auto rewatch = std::exchange(state.rewatch, nullptr);
  // A group's last entries went on the feed when its tail was committed again, if not before: the
  // feed's consumer has the duty.
  for (auto& member : state.members)
    if (state.id.is_direct() && member.marks.delivered < state.head.seq)
      duty_.watch(state, member, state.head.seq, rewatch->position);
  end(*rewatch);
}

void Owner::end(Rewatch& rewatch) {
  if (--rewatch.open != 0) return;
  rewatching_.erase(rewatching_.find(rewatch.position));
  rewatch.done();
}

void Owner::close(std::function<void()> drained) {
  closing_ = true;
  drained_ = std::move(drained);
  finish_closing();
}

void Owner::finish_closing() {
  if (!drained_ || !in_flight_.empty() || !work_.empty() || waiting_sends_ != 0) return;
  timer_.cancel();
  gate_.close(std::exchange(drained_, nullptr));
}

void Owner::arm() {
  if (armed_ || closing_) return;
  if (!duty_.waiting() && receipts_due_.empty() && load_again_.empty() && !cache_.is_over()) return;
  armed_ = true;
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    armed_ = false;
    if (!cancelled) tick();
  });
}

void Owner::tick() {
  duty_.tick(shared_.hybrid.now());
  std::vector<ReceiptNotice> out;
  const auto now = shared_.clock.mono();
  while (!receipts_due_.empty()) {
    auto [state, user] = receipts_due_.front();
    auto* member = user ? state->member(user) : nullptr;
    if (now - (member ? member->receipt_sent : state->receipts_sent) <
        shared_.settings.receipt_every)
      break;
    receipts_due_.pop_front();
    --state->pins;
    if (member) {
      member->receipt_due = false;
      tell_mark(*state, *member, out);
    } else {
      state->receipts_due = false;
      tell_authors(*state);
    }
  }
  fan_out_.receipts(std::move(out));
  for (auto* state : std::exchange(load_again_, {})) {
    --state->pins;
    enqueue(*state);
  }
  cache_.evict();
  flush();
  arm();
  publish();
}

void Owner::publish() {
  auto undecided = duty_.undecided_from();
  if (!rewatching_.empty()) undecided = std::min(undecided, *rewatching_.begin());
  if (!in_flight_.empty()) undecided = std::min(undecided, in_flight_.front()->floor + 1);
  undecided_from_.store(undecided, std::memory_order_relaxed);
  oldest_in_flight_.store(in_flight_.empty() ? kNothingInFlight : in_flight_.front()->started.value,
                          std::memory_order_release);
}

}  // namespace parley::message
