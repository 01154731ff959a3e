#pragma once
#include <soci/soci.h>
#include <string>

namespace parley::sqlite {

/// Runs a statement that returns no rows, its `:parameters` bound by place. SOCI binds addresses
/// and runs `session << ..., use(x)` after the temporaries of that line are gone; here they live
/// on.
template <class... Args>
void execute(soci::session& session, const std::string& sql, const Args&... args) {
  soci::statement statement(session);
  (statement.exchange(soci::use(args)), ...);
  statement.alloc();
  statement.prepare(sql);
  statement.define_and_bind();
  statement.execute(true);
}

}  // namespace parley::sqlite
