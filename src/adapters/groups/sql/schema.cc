#include "adapters/groups/sql/group_store.h"

namespace parley::groups {

const sql::Schema& schema() {
  static const std::vector<sql::Migration> kAll = {
      {1,
       {"CREATE TABLE IF NOT EXISTS chat_groups ("
        "id {id}, title VARCHAR(128) NOT NULL, picture VARCHAR(64) NOT NULL, "
        "owner BIGINT NOT NULL, version BIGINT NOT NULL, created_ms BIGINT NOT NULL, "
        "members INTEGER NOT NULL, dissolved INTEGER NOT NULL) {table}",
        "CREATE TABLE IF NOT EXISTS group_members ("
        "group_id BIGINT NOT NULL, user_id BIGINT NOT NULL, role INTEGER NOT NULL, "
        "since_ms BIGINT NOT NULL, PRIMARY KEY (group_id, user_id)) {table}",
        "CREATE INDEX IF NOT EXISTS group_members_by_user ON group_members (user_id, group_id)",
        "CREATE TABLE IF NOT EXISTS group_requests ("
        "owner BIGINT NOT NULL, request VARCHAR(64) NOT NULL, group_id BIGINT NOT NULL, "
        "PRIMARY KEY (owner, request)) {table}",
        "CREATE TABLE IF NOT EXISTS group_changes ("
        "group_id BIGINT NOT NULL, version BIGINT NOT NULL, hash BIGINT NOT NULL, "
        "PRIMARY KEY (group_id, version)) {table}",
        "CREATE TABLE IF NOT EXISTS group_outbox ("
        "group_id BIGINT NOT NULL, version BIGINT NOT NULL, actor BIGINT NOT NULL, "
        "what INTEGER NOT NULL, content VARCHAR(128) NOT NULL, users {long_text} NOT NULL, "
        "role INTEGER NOT NULL, PRIMARY KEY (group_id, version)) {table}"}},
  };
  static const sql::Schema kSchema{"groups", kAll};
  return kSchema;
}

}  // namespace parley::groups
