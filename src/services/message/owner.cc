#include "services/message/owner.h"

#include <boost/asio.hpp>
#include <limits>

#include "base/check.h"
#include "base/log.h"
#include "domain/text.h"

namespace parley::message {
namespace {
constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
constexpr auto kNothingInFlight = std::numeric_limits<std::int64_t>::max();
constexpr std::chrono::milliseconds kTick{100};

Error not_here() {
  return {Code::not_found, "there is no such conversation", "conversation_id", 0};
}
}  // namespace

/// Answers of one turn, by whom they go to.
class Owner::Answers {
 public:
  explicit Answers(Loops& loops) : loops_(loops) {}
  ~Answers() {
    for (auto& [route, batch] : by_route_) {
      loops_.run_on(route.loop, [listener = route.listener, batch = std::move(batch)]() mutable {
        if (!batch.sent.empty()) listener->on_sent(std::move(batch.sent));
        if (!batch.marked.empty()) listener->on_marked(std::move(batch.marked));
      });
    }
  }
  void sent(const Route& route, std::uint64_t token, Result<Head> outcome) {
    of(route).sent.push_back({token, std::move(outcome)});
  }
  void marked(const Route& route, std::uint64_t token, Result<void> outcome) {
    if (token != 0) of(route).marked.push_back({token, std::move(outcome)});
  }

 private:
  struct Batch {
    std::vector<SendAnswer> sent;
    std::vector<MarkAnswer> marked;
  };
  Batch& of(const Route& route) {
    for (auto& [known, batch] : by_route_)
      if (known == route) return batch;
    return by_route_.emplace_back(route, Batch{}).second;
  }
  Loops& loops_;
  std::vector<std::pair<Route, Batch>> by_route_;  // gateways are few
};

Owner::Owner(Shared& shared, std::size_t loop, std::uint32_t node)
    : shared_(shared),
      loop_(loop),
      ids_(node, shared.info.last_issued),
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
      answers.sent(route, token, fail_for(Code::unavailable, "the server is stopping", 1'000));
    } else if (!request.conversation.has(request.sender)) {
      answers.sent(route, token, std::unexpected(not_here()));
    } else if (waiting_sends_ >= shared_.settings.waiting_sends) {
      shared_.refused.add();
      answers.sent(route, token, fail_for(Code::busy, "too many sends wait to be stored", 500));
    } else {
      auto& state = cache_.touch(request.conversation);
      state.sends.push_back({std::move(request), route});
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
      answers.marked(route, request.token,
                     fail_for(Code::unavailable, "the server is stopping", 1'000));
    } else if (!request.conversation.has(request.user)) {
      answers.marked(route, request.token, std::unexpected(not_here()));
    } else {
      auto& state = cache_.touch(request.conversation);
      state.marks.push_back({std::move(request), route});
      enqueue(state);
    }
  }
  flush();
}

void Owner::enqueue(ConversationState& state) {
  if (state.queued || state.in_flight || state.phase == ConversationState::Phase::loading) return;
  state.queued = true;
  ++state.pins;
  work_.push_back(&state);
}

void Owner::flush() {
  if (work_.empty()) return finish_closing();
  Answers answers(shared_.loops);
  std::vector<ConversationState*> unloaded;
  auto group = std::make_unique<Group>();
  // Before any time of this group is taken: what reads the store meanwhile must not believe itself
  // past it.
  group->started = shared_.hybrid.now();
  for (auto* state : std::exchange(work_, {})) {
    state->queued = false;
    --state->pins;
    if (state->phase == ConversationState::Phase::unloaded) {
      state->phase = ConversationState::Phase::loading;
      unloaded.push_back(state);
    } else if (Part part{state, {}, {}, {}, {}, {}}; build(*state, part, answers)) {
      group->parts.push_back(std::move(part));
    }
  }
  if (!unloaded.empty()) load(std::move(unloaded));
  if (!group->parts.empty()) commit(std::move(group));
  cache_.evict();
  finish_closing();
}

void Owner::load(std::vector<ConversationState*> states) {
  gate_.spawn([this, states = std::move(states)] { return load_all(states); });
}

boost::asio::awaitable<void> Owner::load_all(std::vector<ConversationState*> states) {
  struct Loaded {
    Result<Head> head;
    std::vector<Member> members;
    std::optional<Error> error;
  };
  auto loaded = co_await run_blocking(shared_.loops.pool(), [this, states] {
    std::vector<Loaded> out;
    for (const auto* state : states) {
      // The id of a state never changes, so the pool may read it while the loop owns the rest.
      Loaded one{shared_.store.head(state->id), {}, {}};
      if (!one.head) one.error = one.head.error();
      for (auto user : {state->id.first(), state->id.second()}) {
        if (!one.members.empty() && one.members[0].user.value == user)
          continue;  // notes to oneself
        auto marks = shared_.store.marks(state->id, UserId(user));
        if (!marks) one.error = marks.error();
        Member member;
        member.user = UserId(user);
        member.marks = marks.value_or(Marks{});
        one.members.push_back(member);
      }
      out.push_back(std::move(one));
    }
    return out;
  });
  for (std::size_t i = 0; i < states.size(); ++i) {
    auto& state = *states[i];
    if (!loaded[i].error && loaded[i].head->seq == Seq(0)) {
      // The first entry makes the conversation, if there are such people.
      for (const auto& member : loaded[i].members) {
        auto known = co_await shared_.users.exists(member.user);
        if (!known)
          loaded[i].error = known.error();
        else if (!*known)
          loaded[i].error = not_here();
      }
    }
    if (loaded[i].error) {
      Answers answers(shared_.loops);
      state.phase = ConversationState::Phase::unloaded;
      fail_waiting(state, *loaded[i].error, answers);
      continue;
    }
    state.head = *loaded[i].head;
    ids_.start_after(state.head.id.value);
    state.members.assign(loaded[i].members.begin(), loaded[i].members.end());
    state.phase = ConversationState::Phase::ready;
    if (!state.sends.empty() || !state.marks.empty()) enqueue(state);
  }
  flush();
  arm();
}

bool Owner::build(ConversationState& state, Part& part, Answers& answers) {
  take_sends(state, part, answers);
  take_marks(state, part, answers);
  return !part.entries.empty() || !part.changes.empty();
}

void Owner::take_sends(ConversationState& state, Part& part, Answers& answers) {
  Head head = state.head;
  std::size_t taken = 0, bytes = 0;
  for (auto& [request, route] : state.sends) {
    if (part.entries.size() >= shared_.settings.batch_entries ||
        bytes >= shared_.settings.batch_bytes)
      break;
    ++taken;
    // The same key earlier in this batch: the same answer, once that is durable.
    const auto twin = std::ranges::find_if(part.entries, [&r = request](const EntryPtr& e) {
      return e->sender == r.sender && e->client_message_id == r.client_message_id;
    });
    if (twin != part.entries.end()) {
      if ((*twin)->body == request.body)
        part.answers.push_back(
            {route, request.token, {(*twin)->seq, (*twin)->id, (*twin)->time, (*twin)->countable}});
      else
        answers.sent(route, request.token,
                     fail(Code::conflict, "this client_message_id was used with another body",
                          "client_message_id"));
      continue;
    }
    auto before = shared_.store.find(state.id, request.sender, request.client_message_id);
    if (!before) {
      answers.sent(route, request.token, std::unexpected(before.error()));
      continue;
    }
    if (*before) {
      if ((*before)->body_hash == hash_bytes(request.body))
        answers.sent(route, request.token, Head{(*before)->seq, (*before)->id, (*before)->time, 0});
      else
        answers.sent(route, request.token,
                     fail(Code::conflict, "this client_message_id was used with another body",
                          "client_message_id"));
      continue;
    }
    head.id = MessageId(ids_.next(shared_.hybrid.now()));
    head.time = Snowflake::time_of(head.id.value);
    shared_.hybrid.observe(head.time);
    head.seq = Seq(head.seq.value + 1);
    ++head.countable;
    bytes += request.body.size();
    part.answers.push_back({route, request.token, head});
    part.origins.push_back(request.origin);
    part.entries.push_back(std::make_shared<const Entry>(Entry{
        .conversation = state.id,
        .seq = head.seq,
        .id = head.id,
        .sender = request.sender,
        .device = request.device,
        .time = head.time,
        .client_message_id = std::move(request.client_message_id),
        .body = std::move(request.body),
        .countable = head.countable,
        .kind = EntryKind::message,
    }));
  }
  if (taken == state.sends.size())
    state.sends = {};  // with its memory
  else
    state.sends.erase(state.sends.begin(),
                      state.sends.begin() + static_cast<std::ptrdiff_t>(taken));
  waiting_sends_ -= taken;
  // Sending moves the sender's own marks to the new entry.
  for (const auto& member : state.members) {
    const auto last = std::find_if(part.entries.rbegin(), part.entries.rend(),
                                   [&](const EntryPtr& e) { return e->sender == member.user; });
    if (last != part.entries.rend())
      part.changes.push_back(
          {state.id, member.user, Marks{(*last)->seq, (*last)->seq, (*last)->countable}});
  }
}

void Owner::take_marks(ConversationState& state, Part& part, Answers& answers) {
  for (auto& waiting : std::exchange(state.marks, {})) {
    const auto& request = waiting.request;
    auto* member = state.member(request.user);
    if (!member || state.head.seq == Seq(0)) {
      answers.marked(waiting.route, request.token, std::unexpected(not_here()));
      continue;
    }
    if (std::max(request.read, request.delivered) > state.head.seq) {
      answers.marked(waiting.route, request.token,
                     fail(Code::invalid_argument, "this conversation has no such seq yet", "seq"));
      continue;
    }
    Marks moved{request.delivered, request.read, 0};
    if (request.read > member->marks.read) {
      moved.read_countable = state.head.countable;
      if (request.read != state.head.seq) {
        auto entries = shared_.store.read(state.id, request.read, request.read, 1, false);
        if (!entries || entries->empty()) {
          answers.marked(waiting.route, request.token,
                         entries ? fail(Code::damaged, "an entry is missing from the store")
                                 : std::unexpected(entries.error()));
          continue;
        }
        moved.read_countable = entries->front()->countable;
      }
    }
    if (Marks merged = member->marks; !merged.merge(moved)) {
      answers.marked(waiting.route, request.token, {});
      continue;
    }
    part.changes.push_back({state.id, request.user, moved});
    part.marks.push_back(std::move(waiting));
  }
}

void Owner::commit(std::unique_ptr<Group> group) {
  std::vector<Append> appends;
  appends.reserve(group->parts.size());
  for (auto& part : group->parts) {
    part.state->in_flight = true;
    Append append{part.state->id, part.entries, {}, part.changes};
    for (const auto& member : part.state->members) append.inboxes.push_back(member.user);
    appends.push_back(std::move(append));
  }
  group->floor = shared_.stored_position.load(std::memory_order_relaxed);
  in_flight_.push_back(group.get());
  publish();
  shared_.store.commit(
      shared_.info.generation, shared_.hybrid.now(), std::move(appends),
      [this, group = std::move(group)](Result<std::uint64_t> outcome) mutable {
        boost::asio::post(shared_.loops.at(loop_),
                          [this, group = std::move(group), outcome = std::move(outcome)]() mutable {
                            settle(std::move(group), std::move(outcome));
                          });
      });
}

void Owner::settle(std::unique_ptr<Group> group, Result<std::uint64_t> outcome) {
  PARLEY_CHECK(in_flight_.front() == group.get(),
               "a store settles commits in the order of the calls");
  in_flight_.pop_front();
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
        // What queued behind a failed send must not overtake it when it comes again.
        fail_waiting(state, outcome.error(), answers);
        continue;
      }
      if (!part.entries.empty()) {
        const auto& last = *part.entries.back();
        state.head = {last.seq, last.id, last.time, last.countable};
      }
      for (const auto& change : part.changes) state.member(change.user)->marks.merge(change.marks);
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
    shared_.refused.add();
    log::warn("message", "commit refused: {}", outcome.error().message);
  }
  for (auto& part : group->parts)
    if (!part.state->sends.empty() || !part.state->marks.empty()) enqueue(*part.state);
  group.reset();
  flush();
  arm();
  publish();
}

void Owner::fail_waiting(ConversationState& state, const Error& error, Answers& answers) {
  waiting_sends_ -= state.sends.size();
  for (auto& [request, route] : std::exchange(state.sends, {}))
    answers.sent(route, request.token, std::unexpected(error));
  for (auto& [request, route] : std::exchange(state.marks, {}))
    answers.marked(route, request.token, std::unexpected(error));
}

void Owner::fan_out(Group& group) {
  std::vector<Delivery> deliveries;
  std::vector<ReceiptNotice> receipts;
  std::vector<ConversationNotice> notices;
  for (auto& part : group.parts) {
    auto& state = *part.state;
    std::vector<UserId> users;
    for (const auto& member : state.members) users.push_back(member.user);
    for (std::size_t i = 0; i < part.entries.size(); ++i)
      deliveries.push_back({part.entries[i], users, part.origins[i]});
    for (auto& member : state.members)
      if (member.marks.delivered < state.head.seq && !part.entries.empty())
        duty_.watch(state, member, state.head.seq, group.floor + 1);
    for (const auto& waiting : part.marks) {
      auto& member = *state.member(waiting.request.user);
      tell_mark(state, member, receipts);
      if (waiting.request.read)
        notices.push_back({member.user, view_of(state, member.user), waiting.request.origin});
    }
  }
  if (!deliveries.empty()) {
    fan_out_.deliver(std::move(deliveries), [this](std::vector<FanOut::Absent> absent) {
      const auto now = shared_.hybrid.now();
      for (const auto& who : absent) {
        auto& state = cache_.touch(who.conversation);
        if (auto* member = state.member(who.user)) duty_.absent(state, *member, who.seq, now);
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

ConversationView Owner::view_of(ConversationState& state, UserId user) const {
  ConversationView view{state.id, state.head, {}, {}, shared_.hybrid.now()};
  for (const auto& member : state.members) {
    if (member.user == user)
      view.own = member.marks;
    else
      view.others.emplace_back(member.user, member.marks);
  }
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

void Owner::rewatch(std::vector<std::pair<ConversationId, Seq>> newest, std::uint64_t position,
                    std::function<void()> done) {
  gate_.spawn([this, newest = std::move(newest), position,
               done = std::move(done)]() -> boost::asio::awaitable<void> {
    std::vector<ConversationState*> states;
    for (const auto& [id, seq] : newest) {
      auto& state = cache_.touch(id);
      state.phase = ConversationState::Phase::loading;  // so that it is not evicted
      states.push_back(&state);
    }
    co_await load_all(states);
    for (std::size_t i = 0; i < newest.size(); ++i)
      if (states[i]->phase == ConversationState::Phase::ready)
        for (auto& member : states[i]->members)
          if (member.marks.delivered < newest[i].second)
            duty_.watch(*states[i], member, newest[i].second, position);
    cache_.evict();
    arm();
    publish();
    done();
  });
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
  if (!duty_.waiting() && receipts_due_.empty() && !cache_.is_over()) return;
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
    auto* member = state->member(user);
    if (now - member->receipt_sent < shared_.settings.receipt_every) break;
    receipts_due_.pop_front();
    --state->pins;
    member->receipt_due = false;
    tell_mark(*state, *member, out);
  }
  fan_out_.receipts(std::move(out));
  cache_.evict();
  arm();
  publish();
}

void Owner::publish() {
  auto undecided = duty_.undecided_from();
  if (!in_flight_.empty()) undecided = std::min(undecided, in_flight_.front()->floor + 1);
  undecided_from_.store(undecided, std::memory_order_relaxed);
  oldest_in_flight_.store(in_flight_.empty() ? kNothingInFlight : in_flight_.front()->started.value,
                          std::memory_order_release);
}

}  // namespace parley::message
