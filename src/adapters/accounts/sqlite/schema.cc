#include "adapters/accounts/sqlite/schema.h"

namespace parley::accounts {

std::span<const sqlite::Migration> migrations() {
  static const std::vector<sqlite::Migration> kAll = {
      {1,
       {"CREATE TABLE accounts ("
        "id INTEGER PRIMARY KEY, name VARCHAR(32) NOT NULL UNIQUE, "
        "display_name VARCHAR(64) NOT NULL, about VARCHAR(500) NOT NULL, "
        "created_ms BIGINT NOT NULL, password_hash VARCHAR(128) NOT NULL)",
        "CREATE TABLE devices ("
        "id INTEGER PRIMARY KEY, user_id BIGINT NOT NULL, name VARCHAR(64) NOT NULL, "
        "created_ms BIGINT NOT NULL, last_used_ms BIGINT NOT NULL, "
        "refresh_hash VARCHAR(64) NOT NULL, previous_refresh_hash VARCHAR(64) NOT NULL, "
        "refresh_expires_ms BIGINT NOT NULL)",
        "CREATE INDEX devices_by_user ON devices (user_id)",
        "CREATE TABLE revoked_devices (id INTEGER PRIMARY KEY, tokens_end_ms BIGINT NOT NULL)",
        "CREATE TABLE secrets (name VARCHAR(64) PRIMARY KEY, value_hex VARCHAR(256) NOT NULL)",
        "CREATE TABLE last_ids (kind VARCHAR(16) PRIMARY KEY, id BIGINT NOT NULL)",
        "INSERT INTO last_ids (kind, id) VALUES ('account', 0)",
        "INSERT INTO last_ids (kind, id) VALUES ('device', 0)"}},
  };
  return kAll;
}

}  // namespace parley::accounts
