#include "adapters/push/sql/push_sink.h"

namespace parley::push {

const sql::Schema& schema() {
  static const std::vector<sql::Migration> kAll = {
      {1,
       {"CREATE TABLE IF NOT EXISTS pushes ("
        "user_id BIGINT NOT NULL, conversation VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, "
        "decided_ms BIGINT NOT NULL, PRIMARY KEY (user_id, conversation, seq)) {table_by_key}"}},
  };
  static const sql::Schema kSchema{"pushes", kAll};
  return kSchema;
}

Result<void> SqlPushSink::record(const std::vector<Push>& pushes) {
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

Result<std::vector<Push>> SqlPushSink::of(UserId user) {
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
