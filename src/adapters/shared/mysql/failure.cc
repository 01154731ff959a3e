#include "adapters/shared/mysql/failure.h"

#include <algorithm>
#include <soci/mysql/soci-mysql.h>
#include <string>

#include "base/one_line.h"

namespace parley::mysql {
namespace {

constexpr std::uint32_t kRetryMs = 1'000;
constexpr std::uint32_t kContendedRetryMs = 200;

using Kind = Failure::Kind;

// For what this user is, or is not allowed.
constexpr std::initializer_list<unsigned> kRefused = {1044, 1045, 1130, 1227, 1251, 1275, 1698};

bool is_one_of(unsigned number, std::initializer_list<unsigned> list) {
  return std::ranges::find(list, number) != list.end();
}

Failure judge(unsigned number, const std::string& text) {
  const auto with = [&](Kind kind, Code code, std::string message, std::uint32_t retry_ms) {
    return Failure{kind, number, {code, std::move(message), {}, retry_ms}};
  };
  // 1026 and 1030 carry the system's error in their text: 28 is ENOSPC, 122 is EDQUOT.
  const bool no_space = text.find(" 28 \"") != text.npos || text.find(" 122 \"") != text.npos;
  if (is_one_of(number, {3, 1021, 1114}) || (is_one_of(number, {1026, 1030}) && no_space))
    return with(Kind::other, Code::storage_full, "no space left on the database's disk", kRetryMs);
  if (is_one_of(number, {1205, 1213, 1020}))  // lock wait timeout, deadlock, changed since read
    return with(Kind::contended, Code::busy, "too many write the same rows", kContendedRetryMs);
  if (is_one_of(number, {1062, 1586}))
    return with(Kind::duplicate, Code::already_exists, "there is one with that key already", 0);
  if (is_one_of(number, {1040, 1203, 1226}))
    return with(Kind::other, Code::busy, "the database takes no more connections", kRetryMs);
  if (is_one_of(number, kRefused))
    return with(Kind::other, Code::unavailable,
                "the database refuses this user: check mysql.user and mysql.password", kRetryMs);
  // Server shutdown; killed; read-only or without a quorum, as one is that was just replaced;
  // network errors as the server saw them; and those of the client's library from 2000.
  if (is_one_of(number, {1047, 1053, 1080, 1129, 1158, 1159, 1160, 1161, 1184, 1290, 1317, 1836,
                         1927, 1969}) ||
      is_one_of(number, {2001, 2002, 2003, 2004, 2005, 2006, 2009, 2012, 2013, 2014, 2026, 2027,
                         2048, 2055, 5012, 5013}))
    return with(Kind::lost, Code::unavailable, "the database cannot be reached", kRetryMs);
  if (is_one_of(number, {1264, 1366, 1406}))
    return with(Kind::other, Code::invalid_argument, "longer than the database keeps, or not UTF-8",
                0);
  return with(Kind::other, Code::internal, "the database failed; the server's log says more", 0);
}

}  // namespace

Failure failure_of(const std::exception& e) {
  if (const auto* known = dynamic_cast<const soci::mysql_soci_error*>(&e))
    return judge(known->err_num_, known->get_error_message());
  return {.error = {Code::internal, "the database failed; the server's log says more"}};
}

Error error_at_start(const Settings& settings, const std::exception& e) {
  const auto* known = dynamic_cast<const soci::soci_error*>(&e);
  auto [kind, number, error] = failure_of(e);
  if (is_one_of(number, kRefused)) error.code = Code::forbidden;
  if (error.code == Code::internal) error.message = "the database failed";
  // Without SOCI's context, which quotes what was bound and how it was to connect.
  error.message =
      fmt::format("MySQL at {}, database {}: {} ({})", settings.address(), settings.database,
                  error.message, one_line(known ? known->get_error_message() : e.what()));
  return error;
}

}  // namespace parley::mysql
