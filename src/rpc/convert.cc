#include "rpc/convert.h"

namespace parley::rpc {
namespace {

void to_proto(const GroupState& state, store::GroupState& out) {
  out.set_members(state.members);
  out.set_wide(state.wide);
  out.set_dissolved(state.dissolved);
  out.set_version(state.version);
}
GroupState from_proto(const store::GroupState& state) {
  return {.version = state.version(),
          .members = state.members(),
          .wide = state.wide(),
          .dissolved = state.dissolved()};
}

}  // namespace

void to_proto(const Error& error, v1::Failure& out) {
  out.set_code(static_cast<std::uint32_t>(error.code));
  out.set_message(error.message);
  out.set_field(error.field);
  out.set_retry_after_ms(error.retry_after_ms);
}
Error from_proto(const v1::Failure& failure) {
  return {static_cast<Code>(failure.code()), failure.message(), failure.field(),
          failure.retry_after_ms()};
}

ConversationId conversation_of(const std::string& key) {
  return key.size() == 17 ? ConversationId::from_key(key) : ConversationId{};
}

void to_proto(const Head& head, store::Head& out) {
  out.set_seq(head.seq.value);
  out.set_message_id(head.id.value);
  out.set_time_ms(head.time.value);
  out.set_countable(head.countable);
  if (head.group != GroupState{}) to_proto(head.group, *out.mutable_group());
}
Head from_proto(const store::Head& head) {
  return {Seq(head.seq()), MessageId(head.message_id()), TimeMs(head.time_ms()), head.countable(),
          from_proto(head.group())};
}

void to_proto(const Marks& marks, store::Marks& out) {
  out.set_delivered(marks.delivered.value);
  out.set_read(marks.read.value);
  out.set_read_countable(marks.read_countable);
  out.set_joined(marks.joined.value);
  out.set_left(marks.left.value);
}
Marks from_proto(const store::Marks& marks) {
  return {Seq(marks.delivered()), Seq(marks.read()), marks.read_countable(), Seq(marks.joined()),
          Seq(marks.left())};
}

void to_proto(const GroupChange& change, store::GroupChange& out) {
  out.set_what(static_cast<std::uint32_t>(change.what));
  out.set_version(change.version);
  out.set_text(change.text);
  add_ids(change.users, *out.mutable_users());
  out.set_role(static_cast<std::uint32_t>(change.role));
}
GroupChange from_proto(const store::GroupChange& change) {
  return {static_cast<GroupChange::What>(change.what()), change.version(), change.text(),
          ids_of<UserId>(change.users()), static_cast<Role>(change.role())};
}

void to_proto(const Entry& entry, v1::Entry& out) {
  out.set_conversation(entry.conversation.key());
  out.set_seq(entry.seq.value);
  auto& stored = *out.mutable_stored();
  stored.set_message_id(entry.id.value);
  stored.set_sender(entry.sender.value);
  stored.set_device(entry.device.value);
  stored.set_time_ms(entry.time.value);
  stored.set_client_message_id(entry.client_message_id);
  stored.set_body(entry.body);
  stored.set_countable(entry.countable);
  stored.set_kind(static_cast<std::uint32_t>(entry.kind));
  if (entry.group != GroupState{}) to_proto(entry.group, *stored.mutable_group());
  if (entry.change) to_proto(*entry.change, *stored.mutable_change());
}
EntryPtr from_proto(v1::Entry& entry) {
  auto& stored = *entry.mutable_stored();
  auto out = std::make_shared<Entry>();
  out->conversation = conversation_of(entry.conversation());
  out->seq = Seq(entry.seq());
  out->id = MessageId(stored.message_id());
  out->sender = UserId(stored.sender());
  out->device = DeviceId(stored.device());
  out->time = TimeMs(stored.time_ms());
  out->client_message_id = std::move(*stored.mutable_client_message_id());
  out->body = std::move(*stored.mutable_body());
  out->countable = stored.countable();
  out->kind = static_cast<EntryKind>(stored.kind());
  out->group = from_proto(stored.group());
  if (stored.has_change())
    out->change = std::make_shared<const GroupChange>(from_proto(stored.change()));
  return out;
}

void to_proto(const ConversationView& view, v1::ConversationView& out) {
  out.set_conversation(view.conversation.key());
  to_proto(view.head, *out.mutable_head());
  to_proto(view.own, *out.mutable_own());
  add_marks(view.others, *out.mutable_others());
  out.set_changed_ms(view.changed.value);
  out.set_joined(view.joined.value);
  out.set_left(view.left.value);
  out.set_members(view.members);
}
ConversationView from_proto(const v1::ConversationView& view) {
  ConversationView out;
  out.conversation = conversation_of(view.conversation());
  out.head = from_proto(view.head());
  out.own = from_proto(view.own());
  out.others = marks_of(view.others());
  out.changed = TimeMs(view.changed_ms());
  out.joined = Seq(view.joined());
  out.left = Seq(view.left());
  out.members = view.members();
  return out;
}

void to_proto(const PresenceView& view, v1::PresenceView& out) {
  out.set_user(view.user.value);
  out.set_online(view.online);
  out.set_last_seen_ms(view.last_seen.value);
}
PresenceView from_proto(const v1::PresenceView& view) {
  return {UserId(view.user()), view.online(), TimeMs(view.last_seen_ms())};
}

std::vector<EntryPtr> entries_of(google::protobuf::RepeatedPtrField<v1::Entry>& entries) {
  std::vector<EntryPtr> out;
  out.reserve(static_cast<std::size_t>(entries.size()));
  for (auto& entry : entries) out.push_back(from_proto(entry));
  return out;
}

void add_marks(const UserMarks& from, google::protobuf::RepeatedPtrField<v1::UserMarks>& to) {
  for (const auto& [user, marks] : from) {
    auto& row = *to.Add();
    row.set_user(user.value);
    to_proto(marks, *row.mutable_marks());
  }
}
UserMarks marks_of(const google::protobuf::RepeatedPtrField<v1::UserMarks>& from) {
  UserMarks out;
  for (const auto& row : from) out.emplace_back(UserId(row.user()), from_proto(row.marks()));
  return out;
}

}  // namespace parley::rpc
