#pragma once
#include <exception>

#include "adapters/shared/mysql/settings.h"
#include "base/result.h"

namespace parley::mysql {

/// What an exception of SOCI means. Server's texts are never passed on, since they quote values
/// (`Duplicate entry 'ann'`): the number says what it was.
struct Failure {
  enum class Kind {
    lost,       // the connection is of no more use, or the server behind it
    contended,  // undone in favour of another transaction: may be tried again at once
    duplicate,  // another row has that key
    other,
  };
  Kind kind = Kind::other;
  unsigned number = 0;  // of MySQL's table of errors; 0: none of its own
  Error error;
};
Failure failure_of(const std::exception& e);

/// The same for the person who starts a program: with where, and with the server's text. Of
/// statements that carry no values only. A user who is refused is `forbidden`: at the start that
/// is not waited for.
Error error_at_start(const Settings& settings, const std::exception& e);

// Numbers that callers ask for by name (https://mariadb.com/kb/en/mariadb-error-code-reference/).
inline constexpr unsigned kNoSuchDatabase = 1049;
inline constexpr unsigned kNoSuchTable = 1146;

}  // namespace parley::mysql
