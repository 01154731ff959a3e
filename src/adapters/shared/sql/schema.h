#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::sql {

/// A step from schema `version - 1` to `version`; versions are dense from 1. Never changed once
/// released. Each statement may be run again when it was run before: MySQL commits every one by
/// itself, so a step that was interrupted begins anew.
struct Migration {
  int version;
  std::vector<std::string_view> statements;  // with the words of a Dialect in braces
};

/// The tables of one kind of store.
struct Schema {
  std::string_view name;  // letters: "accounts"
  std::span<const Migration> migrations;

  int version() const { return static_cast<int>(migrations.size()); }
};

/// What the statements of a migration cannot say in the same words everywhere.
struct Dialect {
  std::string_view add_column;    // {add_column}: of an ALTER TABLE
  std::string_view id;            // {id}: type of a 64-bit column that is the primary key
  std::string_view long_text;     // {long_text}: type of a text of up to 16 MiB
  std::string_view table;         // {table}: ends a CREATE TABLE
  std::string_view table_by_key;  // {table_by_key}: the same, rows kept in the order of the key
};

/// The statement in that dialect.
std::string in_dialect(std::string_view statement, const Dialect& dialect);

}  // namespace parley::sql
