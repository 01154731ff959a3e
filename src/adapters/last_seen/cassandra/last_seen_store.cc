#include "adapters/last_seen/cassandra/last_seen_store.h"

#include "adapters/shared/cassandra/fan_out.h"

namespace parley::last_seen {
namespace {

constexpr std::size_t kAtOnce = 64;

}  // namespace

Result<std::unique_ptr<CassandraLastSeenStore>> CassandraLastSeenStore::open(
    std::shared_ptr<cassandra::Session> session) {
  PARLEY_TRY(write, session->prepare("INSERT INTO last_seen (user_id, seen_ms) VALUES (?, ?)"));
  PARLEY_TRY(read, session->prepare("SELECT seen_ms FROM last_seen WHERE user_id = ?"));
  return std::unique_ptr<CassandraLastSeenStore>(
      new CassandraLastSeenStore(std::move(session), std::move(write), std::move(read)));
}

Result<void> CassandraLastSeenStore::put(const std::vector<LastSeen>& batch) {
  return cassandra::fan_out(
      *session_, batch.size(), kAtOnce,
      [&](std::size_t i) {
        cassandra::Statement statement(write_);
        statement.bigint(static_cast<std::int64_t>(batch[i].user.value)).bigint(batch[i].at.value);
        statement.options.timestamp = batch[i].at.value;
        statement.options.idempotent = true;
        return statement;
      },
      [](std::size_t, cassandra::Rows) {});
}

Result<std::vector<LastSeen>> CassandraLastSeenStore::of(const std::vector<UserId>& users) {
  std::vector<std::optional<TimeMs>> seen(users.size());
  PARLEY_TRY_VOID(cassandra::fan_out(
      *session_, users.size(), kAtOnce,
      [&](std::size_t i) {
        cassandra::Statement statement(read_);
        statement.bigint(static_cast<std::int64_t>(users[i].value));
        statement.options.idempotent = true;
        return statement;
      },
      [&](std::size_t i, cassandra::Rows rows) {
        if (!rows.empty()) seen[i] = TimeMs(rows.at(0, 0).bigint());
      }));
  std::vector<LastSeen> found;
  for (std::size_t i = 0; i < users.size(); ++i)
    if (seen[i]) found.push_back({users[i], *seen[i]});
  return found;
}

}  // namespace parley::last_seen
