#include "adapters/shared/rows/rows.h"

#include <cstring>
#include <google/protobuf/io/coded_stream.h>

#include "parley/store/v1/store.pb.h"

namespace parley::rows {
namespace {

namespace pb = store::v1;

template <class T>
bool parse(std::string_view value, T& out) {
  return out.ParseFromArray(value.data(), static_cast<int>(value.size()));
}

void fill(const GroupState& state, pb::GroupState& value) {
  value.set_version(state.version);
  value.set_members(state.members);
  value.set_wide(state.wide);
  value.set_dissolved(state.dissolved);
}
GroupState read(const pb::GroupState& value) {
  return {value.version(), value.members(), value.wide(), value.dissolved()};
}
void fill(const GroupChange& change, pb::GroupChange& value) {
  value.set_what(static_cast<std::uint32_t>(change.what));
  value.set_version(change.version);
  value.set_text(change.text);
  value.clear_users();
  for (const auto user : change.users) value.add_users(user.value);
  value.set_role(static_cast<std::uint32_t>(change.role));
}
std::shared_ptr<const GroupChange> read(const pb::GroupChange& value) {
  auto change = std::make_shared<GroupChange>();
  change->what = static_cast<GroupChange::What>(value.what());
  change->version = value.version();
  change->text = value.text();
  for (const auto user : value.users()) change->users.emplace_back(user);
  change->role = static_cast<Role>(value.role());
  return change;
}

template <class Value>
void fill_newest_key(const Uuid& key, Value& value) {
  auto& bytes = *value.mutable_newest_key();
  bytes.clear();
  if (key == Uuid{}) return;
  put_u64(bytes, key.high);
  put_u64(bytes, key.low);
}
/// Where it is not known, none is certainly new.
template <class Value>
Uuid newest_key_of(const Value& value) {
  const std::string_view bytes = value.newest_key();
  if (bytes.size() == 16) return {get_u64(bytes), get_u64(bytes.substr(8))};
  return value.has_newest_key() && bytes.empty() ? Uuid{} : Uuid::greatest();
}

// One of each kind per thread: a message that is used again keeps its strings' memory.
const pb::Entry& filled(const Entry& entry, Generation generation) {
  thread_local pb::Entry value;
  value.set_message_id(entry.id.value);
  value.set_sender(entry.sender.value);
  value.set_device(entry.device.value);
  value.set_time_ms(entry.time.value);
  value.set_client_message_id(entry.client_message_id);
  value.set_body(entry.body);
  value.set_countable(entry.countable);
  value.set_kind(static_cast<std::uint32_t>(entry.kind));
  value.set_generation(generation.value);
  if (entry.group == GroupState{})
    value.clear_group();
  else
    fill(entry.group, *value.mutable_group());
  if (entry.change)
    fill(*entry.change, *value.mutable_change());
  else
    value.clear_change();
  fill_newest_key(entry.newest_key, value);
  return value;
}

}  // namespace

void put_u64(std::string& out, std::uint64_t value) {
  const auto big = __builtin_bswap64(value);
  out.append(reinterpret_cast<const char*>(&big), sizeof big);
}
std::uint64_t get_u64(std::string_view bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return __builtin_bswap64(value);
}
void put_conversation(std::string& out, const ConversationId& id) {
  out.push_back(static_cast<char>(id.kind()));
  put_u64(out, id.first());
  put_u64(out, id.second());
}

std::string entry_key(const ConversationId& conversation, Seq seq) {
  std::string key;
  key.reserve(kConversationBytes + 8);
  put_conversation(key, conversation);
  put_u64(key, seq.value);
  return key;
}
std::string sent_key(const ConversationId& conversation, UserId sender, std::string_view id) {
  std::string key;
  key.reserve(kConversationBytes + 8 + id.size());
  put_conversation(key, conversation);
  put_u64(key, sender.value);
  key.append(id);
  return key;
}
std::string inbox_key(UserId user, const ConversationId& conversation) {
  std::string key;
  key.reserve(8 + kConversationBytes);
  put_u64(key, user.value);
  put_conversation(key, conversation);
  return key;
}
std::string marks_key(const ConversationId& conversation, UserId user) {
  return entry_key(conversation, Seq(user.value));
}
std::string feed_key(std::uint64_t position) {
  std::string key;
  put_u64(key, position);
  return key;
}

void encode_entry(const Entry& entry, Generation generation, std::string& out) {
  filled(entry, generation).SerializeToString(&out);
}
void append_entry(const Entry& entry, Generation generation, std::string& out) {
  using google::protobuf::io::CodedOutputStream;
  const auto& value = filled(entry, generation);
  const auto size = static_cast<std::uint32_t>(value.ByteSizeLong());
  const auto at = out.size();
  out.resize(at + CodedOutputStream::VarintSize32(size) + size);
  auto* to = reinterpret_cast<std::uint8_t*>(out.data() + at);
  value.SerializeWithCachedSizesToArray(CodedOutputStream::WriteVarint32ToArray(size, to));
}
EntryPtr decode_entry(const ConversationId& conversation, Seq seq, std::string_view value) {
  thread_local pb::Entry parsed;
  if (!parse(value, parsed)) return nullptr;
  auto entry = std::make_shared<Entry>();
  entry->conversation = conversation;
  entry->seq = seq;
  entry->id = MessageId(parsed.message_id());
  entry->sender = UserId(parsed.sender());
  entry->device = DeviceId(parsed.device());
  entry->time = TimeMs(parsed.time_ms());
  entry->client_message_id = parsed.client_message_id();
  entry->body = parsed.body();
  entry->countable = parsed.countable();
  entry->kind = static_cast<EntryKind>(parsed.kind());
  if (parsed.has_group()) entry->group = read(parsed.group());
  if (parsed.has_change()) entry->change = read(parsed.change());
  entry->newest_key = newest_key_of(parsed);
  if (entry->kind == EntryKind::group_change && !entry->change) return nullptr;
  return entry;
}

void encode_head(const Head& head, std::string& out) {
  pb::Head value;
  value.set_seq(head.seq.value);
  value.set_message_id(head.id.value);
  value.set_time_ms(head.time.value);
  value.set_countable(head.countable);
  if (head.group != GroupState{}) fill(head.group, *value.mutable_group());
  fill_newest_key(head.newest_key, value);
  value.SerializeToString(&out);
}
bool decode(std::string_view bytes, Head& out) {
  pb::Head value;
  if (!parse(bytes, value)) return false;
  out = {Seq(value.seq()),  MessageId(value.message_id()), TimeMs(value.time_ms()),
         value.countable(), read(value.group()),           newest_key_of(value)};
  return true;
}

void encode_sent(const SentRow& row, std::string& out) {
  pb::Idempotency value;
  value.set_seq(row.seq.value);
  value.set_body_hash(row.body_hash);
  value.SerializeToString(&out);
}
bool decode(std::string_view bytes, SentRow& out) {
  pb::Idempotency value;
  if (!parse(bytes, value)) return false;
  out = {Seq(value.seq()), value.body_hash()};
  return true;
}

void encode_inbox(const InboxValue& row, std::string& out) {
  pb::Inbox value;
  value.set_changed_ms(row.changed.value);
  value.set_head(row.head.value);
  value.set_wide(row.wide);
  value.SerializeToString(&out);
}
bool decode(std::string_view bytes, InboxValue& out) {
  pb::Inbox value;
  if (!parse(bytes, value)) return false;
  out = {TimeMs(value.changed_ms()), Seq(value.head()), value.wide()};
  return true;
}

void encode_marks(const Marks& marks, std::string& out) {
  pb::Marks value;
  value.set_delivered(marks.delivered.value);
  value.set_read(marks.read.value);
  value.set_read_countable(marks.read_countable);
  value.set_joined(marks.joined.value);
  value.set_left(marks.left.value);
  value.SerializeToString(&out);
}
bool decode(std::string_view bytes, Marks& out) {
  pb::Marks value;
  if (!parse(bytes, value)) return false;
  out = {Seq(value.delivered()), Seq(value.read()), value.read_countable(), Seq(value.joined()),
         Seq(value.left())};
  return true;
}

void encode_feed(const ConversationId& conversation, Seq seq, std::string& out) {
  thread_local pb::FeedRow value;
  value.mutable_conversation()->clear();
  put_conversation(*value.mutable_conversation(), conversation);
  value.set_seq(seq.value);
  value.SerializeToString(&out);
}
bool decode(std::string_view bytes, FeedEntry& out) {
  thread_local pb::FeedRow value;
  if (!parse(bytes, value) || value.conversation().size() != kConversationBytes) return false;
  out.conversation = ConversationId::from_key(value.conversation());
  out.seq = Seq(value.seq());
  return true;
}
bool is_direct_feed(std::string_view value) {
  // The first field is the conversation, and its first byte the kind.
  constexpr std::string_view kBegin(
      "\x0a\x11"
      "d");
  return value.starts_with(kBegin);
}

}  // namespace parley::rows
