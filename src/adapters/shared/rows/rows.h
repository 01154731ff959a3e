#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/entry.h"
#include "domain/marks.h"
#include "ports/conversation_store.h"

namespace parley::rows {

// Keys and values of the tables; docs/formats.md says them in words. Keys are appended to `out`.

inline constexpr std::size_t kConversationBytes = 17;

void put_u64(std::string& out, std::uint64_t value);  // big-endian
std::uint64_t get_u64(std::string_view bytes);        // of the first 8 bytes
void put_conversation(std::string& out, const ConversationId& id);

std::string entry_key(const ConversationId& conversation, Seq seq);  // seq 0: the head
std::string sent_key(const ConversationId& conversation, UserId sender, std::string_view id);
std::string inbox_key(UserId user, const ConversationId& conversation);
std::string marks_key(const ConversationId& conversation, UserId user);
std::string feed_key(std::uint64_t position);

// Values. Encoding replaces `out`; decoding says false for bytes that are no such value.
struct SentRow {
  Seq seq;
  std::uint64_t body_hash = 0;
};
struct InboxValue {
  TimeMs changed;
  Seq head;
  bool wide = false;

  /// Takes the greater of each.
  void merge(const InboxValue& other) {
    changed = std::max(changed, other.changed);
    head = std::max(head, other.head);
    wide = wide || other.wide;
  }
};

void encode_entry(const Entry& entry, Generation generation, std::string& out);
/// Appends the entry's value with its length before it (a varint).
void append_entry(const Entry& entry, Generation generation, std::string& out);
/// Null for bytes that are no entry.
EntryPtr decode_entry(const ConversationId& conversation, Seq seq, std::string_view value);
void encode_head(const Head& head, std::string& out);
bool decode(std::string_view value, Head& out);
void encode_sent(const SentRow& row, std::string& out);
bool decode(std::string_view value, SentRow& out);
void encode_inbox(const InboxValue& row, std::string& out);
bool decode(std::string_view value, InboxValue& out);
void encode_marks(const Marks& marks, std::string& out);
bool decode(std::string_view value, Marks& out);
void encode_feed(const ConversationId& conversation, Seq seq, std::string& out);
bool decode(std::string_view value, FeedEntry& out);
/// Whether a row of the feed is of a direct conversation, without decoding it. False for bytes that
/// are no such row.
bool is_direct_feed(std::string_view value);

}  // namespace parley::rows
