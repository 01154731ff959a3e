#include "adapters/push/sqlite/push_sink.h"

namespace parley::push {
namespace {

std::span<const sqlite::Migration> migrations() {
  static const std::vector<sqlite::Migration> kAll = {
      {1,
       {"CREATE TABLE pushes ("
        "user_id BIGINT NOT NULL, conversation VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, "
        "decided_ms BIGINT NOT NULL, PRIMARY KEY (user_id, conversation, seq)) WITHOUT ROWID"}},
  };
  return kAll;
}

}  // namespace

Result<std::unique_ptr<SqlitePushSink>> SqlitePushSink::open(std::filesystem::path folder) {
  return open(sqlite::Settings{.folder = std::move(folder), .file = "pushes.db"});
}

Result<std::unique_ptr<SqlitePushSink>> SqlitePushSink::open(sqlite::Settings settings) {
  PARLEY_TRY(db, sqlite::Database::open(std::move(settings), migrations()));
  return std::unique_ptr<SqlitePushSink>(new SqlitePushSink(std::move(db)));
}

Result<void> SqlitePushSink::record(const std::vector<Push>& pushes) {
  if (pushes.empty()) return {};
  return db_->write([&](soci::session& s) -> Result<void> {
    long long user = 0, seq = 0, decided = 0, there = 0;
    std::string conversation;
    // Both are prepared once for the batch. COUNT(*) gives one row: execute, then fetch to the end,
    // or its cursor stays open.
    soci::statement look =
        (s.prepare << "SELECT COUNT(*) FROM pushes WHERE user_id = :user "
                      "AND conversation = :conversation AND seq = :seq",
         soci::use(user), soci::use(conversation), soci::use(seq), soci::into(there));
    soci::statement insert =
        (s.prepare << "INSERT INTO pushes (user_id, conversation, seq, "
                      "decided_ms) VALUES (:user, :conversation, :seq, :at)",
         soci::use(user), soci::use(conversation), soci::use(seq), soci::use(decided));
    for (const auto& push : pushes) {
      user = static_cast<long long>(push.user.value);
      conversation = push.conversation.text();
      seq = static_cast<long long>(push.seq.value);
      decided = push.decided.value;
      look.execute(true);
      const bool known = there > 0;
      while (look.fetch()) {
      }
      if (!known) insert.execute(true);
    }
    return {};
  });
}

Result<std::vector<Push>> SqlitePushSink::of(UserId user) {
  return db_->read([&](soci::session& s) -> Result<std::vector<Push>> {
    std::vector<Push> found;
    const auto key = static_cast<long long>(user.value);
    long long seq = 0, decided = 0;
    std::string conversation;
    soci::statement select =
        (s.prepare << "SELECT conversation, seq, decided_ms FROM pushes WHERE user_id = :user "
                      "ORDER BY decided_ms, seq, conversation",
         soci::use(key), soci::into(conversation), soci::into(seq), soci::into(decided));
    select.execute();
    while (select.fetch()) {
      auto id = ConversationId::parse(conversation);
      if (!id) return fail(Code::damaged, "a recorded push names no conversation");
      found.push_back({user, *id, Seq(static_cast<std::uint64_t>(seq)), TimeMs(decided)});
    }
    return found;
  });
}

}  // namespace parley::push
