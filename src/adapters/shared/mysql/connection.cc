#include "adapters/shared/mysql/connection.h"

#include <fmt/format.h>
#include <soci/mysql/soci-mysql.h>

namespace parley::mysql {
namespace {

// As a value of SOCI's connection string.
std::string value(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::string quoted(std::string_view identifier) {
  std::string out = "`";
  for (const char c : identifier) out += c == '`' ? std::string("``") : std::string(1, c);
  return out + "`";
}

void connect(soci::session& session, const Settings& settings, Purpose purpose) {
  // By the name localhost the library would look for a socket file.
  const std::string host = settings.host == "localhost" ? "127.0.0.1" : settings.host;
  std::string text =
      fmt::format("host={} port={} user={} charset=utf8mb4 connect_timeout={}", value(host),
                  settings.port, value(settings.user), settings.connect_timeout.count());
  if (!settings.password.empty()) text += " password=" + value(settings.password);
  if (purpose == Purpose::store)
    text += fmt::format(" dbname={} read_timeout={} write_timeout={}", value(settings.database),
                        settings.answer_timeout.count(), settings.answer_timeout.count());
  session.open(soci::mysql, text);
  // Too long or out of range is an error, not a cut.
  session << "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
             "ERROR_FOR_DIVISION_BY_ZERO', SESSION autocommit = 1";
  if (purpose == Purpose::schema) {
    // Whoever waits to change a table keeps every later statement on it waiting, too.
    session << "SET SESSION lock_wait_timeout = 60";
    return;
  }
  // What is decided on is locked as it is read; so a statement after a wait for a lock must see
  // what the other one committed, which a snapshot from before the wait (REPEATABLE READ) would
  // hide. And gaps between rows are not locked, so inserts of neighbours do not deadlock.
  session << "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
  session << fmt::format(
      "SET SESSION innodb_lock_wait_timeout = {0}, SESSION lock_wait_timeout = {0}",
      settings.lock_wait.count());
}

}  // namespace parley::mysql
