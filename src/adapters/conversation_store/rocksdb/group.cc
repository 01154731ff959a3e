#include "adapters/conversation_store/rocksdb/group.h"

#include <algorithm>

#include "adapters/shared/rows/rows.h"

namespace parley {
namespace {

constexpr char kAppend = 'A';
constexpr char kGroupAppend = 'G';  // an append that says what only groups have
constexpr char kPosition = 'P';

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

/// Takes values from the front of bytes. After a value that is not there everything is zero.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool more() const { return ok_ && !bytes_.empty(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).empty() ? 0 : last_);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    if (!taken.empty()) last_ = taken.back();
    return taken;
  }
  ConversationId conversation() {
    const auto key = take(rows::kConversationBytes);
    return ok_ ? ConversationId::from_key(key) : ConversationId();
  }

 private:
  std::string_view bytes_;
  char last_ = 0;
  bool ok_ = true;
};

/// Whether an append says what only groups have. The others do not pay for it.
bool is_group_append(const Append& append) {
  return append.wide || std::ranges::any_of(append.marks, [](const MarkChange& change) {
           return change.marks.joined || change.marks.left;
         });
}

bool decode_append(bool of_group, Reader& in, const GroupReader& reader) {
  Append append;
  append.conversation = in.conversation();
  const auto now = TimeMs(static_cast<std::int64_t>(in.varint()));
  auto seq = in.varint();
  for (auto left = in.varint(); left > 0 && in.ok(); --left) {
    const auto value = in.take(in.varint());
    if (!in.ok()) return false;
    auto entry = rows::decode_entry(append.conversation, Seq(seq++), value);
    if (!entry) return false;
    append.entries.push_back(std::move(entry));
  }
  append.wide = of_group && in.varint() != 0;
  for (auto left = in.varint(); left > 0 && in.ok(); --left)
    append.inboxes.emplace_back(in.varint());
  for (auto left = in.varint(); left > 0 && in.ok(); --left) {
    MarkChange change;
    change.conversation = in.conversation();
    change.user = UserId(in.varint());
    change.marks.delivered = Seq(in.varint());
    change.marks.read = Seq(in.varint());
    change.marks.read_countable = in.varint();
    if (of_group) {
      change.marks.joined = Seq(in.varint());
      change.marks.left = Seq(in.varint());
    }
    append.marks.push_back(change);
  }
  if (in.ok()) reader.append(std::move(append), now);
  return in.ok();
}

}  // namespace

void encode_append(const Append& append, TimeMs now, Generation generation, std::string& out) {
  const bool of_group = is_group_append(append);
  out.push_back(of_group ? kGroupAppend : kAppend);
  rows::put_conversation(out, append.conversation);
  put_varint(out, static_cast<std::uint64_t>(now.value));
  put_varint(out, append.entries.empty() ? 0 : append.entries.front()->seq.value);
  put_varint(out, append.entries.size());
  for (const auto& entry : append.entries) rows::append_entry(*entry, generation, out);
  if (of_group) put_varint(out, append.wide ? 1 : 0);
  put_varint(out, append.inboxes.size());
  for (const auto user : append.inboxes) put_varint(out, user.value);
  put_varint(out, append.marks.size());
  for (const auto& change : append.marks) {
    rows::put_conversation(out, change.conversation);
    put_varint(out, change.user.value);
    put_varint(out, change.marks.delivered.value);
    put_varint(out, change.marks.read.value);
    put_varint(out, change.marks.read_countable);
    if (of_group) {
      put_varint(out, change.marks.joined.value);
      put_varint(out, change.marks.left.value);
    }
  }
}

void encode_position(std::string_view consumer, std::uint64_t position, std::string& out) {
  out.push_back(kPosition);
  put_varint(out, consumer.size());
  out.append(consumer);
  put_varint(out, position);
}

bool decode_group(std::string_view payload, const GroupReader& reader) {
  Reader in(payload);
  while (in.more()) {
    const char kind = in.take(1).front();
    if (kind == kAppend || kind == kGroupAppend) {
      if (!decode_append(kind == kGroupAppend, in, reader)) return false;
    } else if (kind == kPosition) {
      std::string consumer(in.take(in.varint()));
      const auto position = in.varint();
      if (in.ok()) reader.position(std::move(consumer), position);
    } else {
      return false;
    }
  }
  return in.ok();
}

}  // namespace parley
