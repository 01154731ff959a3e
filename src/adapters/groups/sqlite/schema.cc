#include "adapters/groups/sqlite/schema.h"

namespace parley::groups {

std::span<const sqlite::Migration> migrations() {
  static const std::vector<sqlite::Migration> kAll = {
      {1,
       {"CREATE TABLE chat_groups ("
        "id INTEGER PRIMARY KEY, title VARCHAR(128) NOT NULL, picture VARCHAR(64) NOT NULL, "
        "owner BIGINT NOT NULL, version BIGINT NOT NULL, created_ms BIGINT NOT NULL, "
        "members INTEGER NOT NULL, dissolved INTEGER NOT NULL)",
        "CREATE TABLE group_members ("
        "group_id BIGINT NOT NULL, user_id BIGINT NOT NULL, role INTEGER NOT NULL, "
        "since_ms BIGINT NOT NULL, PRIMARY KEY (group_id, user_id))",
        "CREATE INDEX group_members_by_user ON group_members (user_id, group_id)",
        "CREATE TABLE group_requests ("
        "owner BIGINT NOT NULL, request VARCHAR(64) NOT NULL, group_id BIGINT NOT NULL, "
        "PRIMARY KEY (owner, request))",
        "CREATE TABLE group_changes ("
        "group_id BIGINT NOT NULL, version BIGINT NOT NULL, hash BIGINT NOT NULL, "
        "PRIMARY KEY (group_id, version))",
        "CREATE TABLE group_outbox ("
        "group_id BIGINT NOT NULL, version BIGINT NOT NULL, actor BIGINT NOT NULL, "
        "what INTEGER NOT NULL, content VARCHAR(128) NOT NULL, users TEXT NOT NULL, "
        "role INTEGER NOT NULL, PRIMARY KEY (group_id, version))"}},
  };
  return kAll;
}

}  // namespace parley::groups
