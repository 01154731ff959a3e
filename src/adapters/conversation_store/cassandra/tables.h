#pragma once
#include <string>

#include "adapters/shared/cassandra/session.h"
#include "domain/entry.h"
#include "domain/marks.h"

namespace parley::cassandra_log {

/// The statements of the store's tables (adapters/shared/cassandra/schema.cc, docs/formats.md).
struct Tables {
  static Result<Tables> prepare(cassandra::Session& session);

  cassandra::Prepared put_entry, put_sent, put_changed, put_head, put_wide;
  cassandra::Prepared put_delivered, put_read, put_joined, put_left, put_touched, put_settled;
  cassandra::Prepared last_entries, entries_up, entries_down, entry, times_down;
  cassandra::Prepared sent, marks, participants, inbox, inbox_after, touched, settled;
};

/// A statement that may be sent twice.
cassandra::Statement repeatable(const cassandra::Prepared& prepared);

inline std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }
template <class Id>
std::int64_t number(Id id) {
  return static_cast<std::int64_t>(id.value);
}

/// The value of a row of `log`: the head that its writer had, and the entry.
std::string encode_row(Seq committed, const Entry& entry, Generation generation);
/// False for bytes that are no such value.
bool decode_row(const ConversationId& conversation, Seq seq, std::string_view value, Seq& committed,
                EntryPtr& entry);

/// The value of the column `read_to` of `marks`.
std::string encode_read(const Marks& marks);

/// Marks from the columns delivered, read_to, joined, left_at, the first of them at `column`.
Result<Marks> marks_at(const cassandra::Rows& rows, std::size_t row, std::size_t column);

inline std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::damaged, "a row of Cassandra's table " + std::string(what) + " is damaged");
}

}  // namespace parley::cassandra_log
