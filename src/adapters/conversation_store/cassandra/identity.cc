#include "adapters/conversation_store/cassandra/identity.h"

#include <fmt/format.h>

#include "adapters/conversation_store/cassandra/tables.h"

namespace parley::cassandra_log {

Result<std::optional<std::uint64_t>> number_of(cassandra::Session& session, std::string_view name) {
  PARLEY_TRY(get, session.prepare("SELECT value FROM store WHERE name = ?"));
  auto select = repeatable(get);
  // What may be half done is finished by reading so.
  select.options.consistency = cassandra::Consistency::local_serial;
  PARLEY_TRY(rows, session.run(select.bytes(name)));
  if (rows.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(rows.at(0, 0).bigint());
}

Result<std::uint64_t> ensure(cassandra::Session& session, std::string_view name,
                             std::uint64_t value) {
  PARLEY_TRY(put, session.prepare("INSERT INTO store (name, value) VALUES (?, ?) IF NOT EXISTS"));
  cassandra::Statement insert(put);
  insert.bytes(name).bigint(number(value));
  if (auto made = session.run(insert); !made) return std::unexpected(made.error());
  PARLEY_TRY(stored, number_of(session, name));
  if (!stored) return damaged("store");
  return *stored;
}

Result<void> must_be(cassandra::Session& session, std::string_view name, std::uint64_t value) {
  PARLEY_TRY(stored, ensure(session, name, value));
  if (stored == value) return {};
  return fail(
      Code::unsupported,
      fmt::format("the store in Cassandra was made with {} = {}, this program has {}: it is "
                  "fixed for the life of a store",
                  name, stored, value));
}

}  // namespace parley::cassandra_log
