#include "adapters/accounts/sql/accounts.h"

namespace parley::accounts {

const sql::Schema& schema() {
  static const std::vector<sql::Migration> kAll = {
      {1,
       {"CREATE TABLE IF NOT EXISTS accounts ("
        "id {id}, name VARCHAR(32) NOT NULL UNIQUE, "
        "display_name VARCHAR(64) NOT NULL, about VARCHAR(500) NOT NULL, "
        "created_ms BIGINT NOT NULL, password_hash VARCHAR(128) NOT NULL) {table}",
        "CREATE TABLE IF NOT EXISTS devices ("
        "id {id}, user_id BIGINT NOT NULL, name VARCHAR(64) NOT NULL, "
        "created_ms BIGINT NOT NULL, last_used_ms BIGINT NOT NULL, "
        "refresh_hash VARCHAR(64) NOT NULL, previous_refresh_hash VARCHAR(64) NOT NULL, "
        "refresh_expires_ms BIGINT NOT NULL) {table}",
        "CREATE INDEX IF NOT EXISTS devices_by_user ON devices (user_id)",
        "CREATE TABLE IF NOT EXISTS revoked_devices ("
        "id {id}, tokens_end_ms BIGINT NOT NULL) {table}",
        "CREATE TABLE IF NOT EXISTS secrets ("
        "name VARCHAR(64) PRIMARY KEY, value_hex VARCHAR(256) NOT NULL) {table}",
        "CREATE TABLE IF NOT EXISTS last_ids ("
        "kind VARCHAR(16) PRIMARY KEY, id BIGINT NOT NULL) {table}",
        "INSERT INTO last_ids (kind, id) SELECT 'account', 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM last_ids WHERE kind = 'account')",
        "INSERT INTO last_ids (kind, id) SELECT 'device', 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM last_ids WHERE kind = 'device')"}},
      {2,
       {"ALTER TABLE revoked_devices {add_column} user_id BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE revoked_devices {add_column} revoked_ms BIGINT NOT NULL DEFAULT 0",
        "CREATE INDEX IF NOT EXISTS revoked_devices_by_time ON revoked_devices (revoked_ms)"}},
  };
  static const sql::Schema kSchema{"accounts", kAll};
  return kSchema;
}

}  // namespace parley::accounts
