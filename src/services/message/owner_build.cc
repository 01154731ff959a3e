// What waits for a conversation becomes its part of the next commit.
#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "domain/text.h"
#include "services/message/errors.h"
#include "services/message/owner.h"

namespace parley::message {
namespace {

/// Who joins or leaves by a change that is the entry `seq`.
void add_marks(const ConversationId& id, const GroupChange& change, Seq seq,
               std::uint64_t countable, std::vector<MarkChange>& out) {
  using What = GroupChange::What;
  const bool joins = change.what == What::created || change.what == What::added;
  const bool leaves = change.what == What::removed || change.what == What::left;
  for (const auto user : change.users) {
    Marks marks;
    if (joins) marks = {seq, seq, countable, seq, {}};
    if (leaves) marks.left = seq;
    if (joins || leaves) out.push_back({id, user, marks});
  }
}

/// Sending moves the sender's own marks to the newest entry.
void add_marks(const std::vector<EntryPtr>& messages, std::vector<MarkChange>& out) {
  for (auto entry = messages.rbegin(); entry != messages.rend(); ++entry) {
    const auto& [id, sender, seq] =
        std::tie((*entry)->conversation, (*entry)->sender, (*entry)->seq);
    if ((*entry)->kind == EntryKind::message &&
        std::ranges::find(out, sender, &MarkChange::user) == out.end())
      out.push_back({id, sender, Marks{seq, seq, (*entry)->countable}});
  }
}

}  // namespace

std::string key_of(const GroupChange& change) { return fmt::format("\x01{}", change.version); }

void Owner::build(ConversationState& state, Part& part, Answers& answers) {
  if (!state.tail.empty()) return take_tail(state, part);
  tell_heads(state);
  take_change(state, part);
  // A change goes alone, so that what is sent after it is judged by it.
  if (part.entries.empty()) take_sends(state, part, answers);
  take_marks(state, part, answers);
}

/// With all that followed from it: whoever wrote it may have done only a part.
void Owner::take_tail(ConversationState& state, Part& part) {
  part.entries = state.tail;
  part.origins.assign(part.entries.size(), Origin(0));
  for (const auto& entry : part.entries)
    if (entry->change)
      add_marks(state.id, *entry->change, entry->seq, entry->countable, part.changes);
  add_marks(part.entries, part.changes);
}

/// What a key's first use got, if it is in the log as far as this owner serves it (rule 5).
Result<Before> Owner::before(ConversationState& state, const std::optional<Before>& known,
                             UserId sender, std::string_view key) const {
  Before found;
  if (shared_.info.one_log) {
    if (state.is_new(sender, key)) return found;
    PARLEY_TRY(stored, shared_.store.find(state.id, sender, key));
    found = stored;
  } else if (known) {
    found = *known;
  }
  if (found && found->seq > state.head.seq) found.reset();
  return found;
}

void Owner::take_change(ConversationState& state, Part& part) {
  while (part.entries.empty() && !state.changes.empty()) {
    if (!shared_.info.one_log && !state.changes.front().before) return;  // to be looked up
    auto [actor, change, done, known] = std::move(state.changes.front());
    state.changes.erase(state.changes.begin());
    const auto& group = state.head.group;
    if (change.version <= group.version) {
      auto first = before(state, known, actor, key_of(change));
      if (first && *first)
        done(Head{(*first)->seq, (*first)->id, (*first)->time, 0});
      else
        done(first ? fail(Code::conflict, "the group's log has another change of that version")
                   : std::unexpected(first.error()));
      continue;
    }
    if (change.version != group.version + 1) {
      done(fail(Code::conflict, "changes of a group are appended in the order of their versions"));
      continue;
    }
    Head head = next_head(state.head);
    head.group = after(group, change);
    add_marks(state.id, change, head.seq, head.countable, part.changes);
    part.changed = std::move(done);
    part.origins.push_back(Origin(0));
    part.entries.push_back(std::make_shared<const Entry>(Entry{
        .conversation = state.id,
        .seq = head.seq,
        .id = head.id,
        .sender = actor,
        .device = {},
        .time = head.time,
        .client_message_id = key_of(change),
        .body = {},
        .countable = head.countable,
        .kind = EntryKind::group_change,
        .group = head.group,
        .newest_key = head.newest_key,
        .change = std::make_shared<const GroupChange>(std::move(change)),
    }));
  }
}

/// The head after one more entry, but for what the entry says.
Head Owner::next_head(Head head) {
  head.id = MessageId(ids_.next(shared_.hybrid.now()));
  head.time = Snowflake::time_of(head.id.value);
  shared_.hybrid.observe(head.time);
  head.seq = Seq(head.seq.value + 1);
  return head;
}

/// By the conversation's own log, so that no cache of members can be stale.
Result<void> Owner::check_sender(ConversationState& state, UserId sender) const {
  if (state.id.is_direct()) return {};
  if (state.head.group.dissolved) return fail(Code::gone, "this group was dissolved");
  if (!state.member(sender)->marks.member())
    return fail(Code::forbidden, "you are no longer a member of this group", "conversation_id");
  return {};
}

void Owner::take_sends(ConversationState& state, Part& part, Answers& answers) {
  Head head = state.head;
  std::size_t taken = 0, bytes = 0;
  for (auto& [request, route, known, since] : state.sends) {
    if (!shared_.info.one_log && !known) break;  // to be looked up
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
        part.answers.push_back({route, request.token, head_after(**twin)});
      else
        answers.sent(route, request.token,
                     fail(Code::conflict, "this client_message_id was used with another body",
                          "client_message_id"));
      continue;
    }
    const auto first = before(state, known, request.sender, request.client_message_id);
    if (!first) {
      answers.sent(route, request.token, std::unexpected(first.error()));
      continue;
    }
    if (*first) {
      if ((*first)->body_hash == hash_bytes(request.body))
        answers.sent(route, request.token, Head{(*first)->seq, (*first)->id, (*first)->time, 0});
      else
        answers.sent(route, request.token,
                     fail(Code::conflict, "this client_message_id was used with another body",
                          "client_message_id"));
      continue;
    }
    if (auto may = check_sender(state, request.sender); !may) {
      answers.sent(route, request.token, std::unexpected(may.error()));
      continue;
    }
    head = next_head(head);
    ++head.countable;
    if (const auto key = uuid_v7(request.client_message_id))
      head.newest_key = std::max(head.newest_key, *key);
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
        .group = head.group,
        .newest_key = head.newest_key,
        .change = {},
    }));
    if (since != Span::Time()) part.traced.emplace_back(part.entries.back(), since);
  }
  if (taken == state.sends.size())
    state.sends = {};  // with its memory
  else
    state.sends.erase(state.sends.begin(),
                      state.sends.begin() + static_cast<std::ptrdiff_t>(taken));
  waiting_sends_ -= taken;
  add_marks(part.entries, part.changes);
}

void Owner::take_marks(ConversationState& state, Part& part, Answers& answers) {
  std::vector<WaitingMark> later;
  for (auto& waiting : std::exchange(state.marks, {})) {
    const auto& request = waiting.request;
    auto* member = state.member(request.user);
    if (!member || state.head.seq == Seq(0)) {
      answers.marked(waiting.route, request.token, not_here());
      continue;
    }
    const auto& held = member->marks;
    const auto last = held.left > held.joined ? held.left : state.head.seq;
    if (std::max(request.read, request.delivered) > last) {
      answers.marked(waiting.route, request.token,
                     fail(Code::invalid_argument, "this conversation has no such seq yet", "seq"));
      continue;
    }
    Marks moved{request.delivered, request.read, 0};
    if (request.read > member->marks.read) {
      moved.read_countable = state.head.countable;
      if (request.read == state.head.seq) {
        // as it is
      } else if (!shared_.info.one_log) {
        if (!waiting.read_countable) {
          later.push_back(std::move(waiting));
          continue;
        }
        moved.read_countable = *waiting.read_countable;
      } else {
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
  state.marks = std::move(later);
}

/// Whose inbox rows say so when this is committed.
void Owner::name_inboxes(const Part& part, Append& append) const {
  const auto& state = *part.state;
  if (state.id.is_direct()) {
    for (const auto& member : state.members) append.inboxes.push_back(member.user);
    return;
  }
  const bool was_wide = state.head.group.wide;
  append.wide = append.entries.empty() ? was_wide : append.entries.back()->group.wide;
  // Who joins or leaves by this entry; and unless the group was wide before it, everybody.
  for (const auto& change : part.changes)
    if (change.marks.joined || change.marks.left) append.inboxes.push_back(change.user);
  if (!append.entries.empty() && !was_wide)
    for (const auto& member : state.members)
      if (member.marks.member()) append.inboxes.push_back(member.user);
  // The reader's other devices.
  for (const auto& waiting : part.marks)
    if (waiting.request.read) append.inboxes.push_back(waiting.request.user);
}

}  // namespace parley::message
