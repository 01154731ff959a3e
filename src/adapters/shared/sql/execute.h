#pragma once
#include <soci/soci.h>
#include <string>

namespace parley::sql {

/// Runs a statement that returns no rows, its `:parameters` bound by place, and answers how many
/// rows it matched. SOCI binds addresses and runs `session << ..., use(x)` after the temporaries of
/// that line are gone; here they live on.
template <class... Args>
long long execute(soci::session& session, const std::string& sql, const Args&... args) {
  soci::statement statement(session);
  (statement.exchange(soci::use(args)), ...);
  statement.alloc();
  statement.prepare(sql);
  statement.define_and_bind();
  statement.execute(true);
  return statement.get_affected_rows();
}

/// Ends a SELECT whose rows nobody else is to change before this transaction ends. SQLite has one
/// writer at a time anyway, and no words for it.
inline const char* for_update(soci::session& session) {
  return session.get_backend_name() == "sqlite3" ? "" : " FOR UPDATE";
}

}  // namespace parley::sql
