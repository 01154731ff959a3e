#include "adapters/shared/cassandra/migrate.h"

#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace parley::cassandra {
namespace {

using namespace std::chrono_literals;

constexpr auto kLockTtl = 120s;

/// Two nodes that make the same table at once give it two ids, and never agree again. So this one,
/// under whose lock all others are made, is given an id: FNV-1a of the keyspace's name, twice.
std::string table_id(std::string_view keyspace) {
  const auto hash = [&](std::uint64_t h) {
    for (const unsigned char c : keyspace) h = (h ^ c) * 0x100000001b3;
    return h;
  };
  const auto a = hash(0xcbf29ce484222325), b = hash(a);
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff,
                     a & 0xfff, b >> 52, b & 0xffffffffffff);
}

Result<int> version_of(Session& session) {
  PARLEY_TRY(find, session.prepare("SELECT table_name FROM system_schema.tables WHERE "
                                   "keyspace_name = ? AND table_name = 'schema_version'"));
  Statement find_table(find);
  find_table.bytes(session.settings().keyspace).options.consistency = Consistency::local_one;
  PARLEY_TRY(table, session.run(find_table));
  if (table.empty()) return 0;
  PARLEY_TRY(rows, session.run("SELECT max(version) FROM schema_version WHERE part = 'done'"));
  const auto version = rows.at(0, 0);
  return version.is_null() ? 0 : version.integer();
}

int last_of(std::span<const Migration> steps) { return steps.empty() ? 0 : steps.back().version; }

Error newer(const Settings& settings, int found, int known) {
  return {Code::unsupported,
          fmt::format("keyspace '{}' of Cassandra at {} has schema {}, and this program knows {}: "
                      "it was migrated by a newer program, start that one",
                      settings.keyspace, settings.contact_points, found, known)};
}

/// Runs all that is missing, under the lock.
Result<int> run_steps(Session& session, std::span<const Migration> steps) {
  PARLEY_TRY(found, version_of(session));
  if (found > last_of(steps))
    return std::unexpected(newer(session.settings(), found, last_of(steps)));
  PARLEY_TRY(note, session.prepare("INSERT INTO schema_version (part, version, done_at) VALUES "
                                   "('done', ?, toTimestamp(now()))"));
  Options patient;
  patient.timeout = session.settings().schema_timeout;
  for (const auto& step : steps) {
    if (step.version <= found) continue;
    for (const auto statement : step.statements) PARLEY_TRY_VOID(session.run(statement, patient));
    PARLEY_TRY_VOID(session.run(Statement(note).integer(step.version)));
  }
  return last_of(steps);
}

/// Held by a row that Cassandra itself removes if this process does not.
Result<int> under_lock(Session& session, std::span<const Migration> steps) {
  const auto me =
      fmt::format("{} {}", ::getpid(), std::chrono::system_clock::now().time_since_epoch().count());
  PARLEY_TRY(
      lock, session.prepare(fmt::format("INSERT INTO schema_version (part, version, holder) VALUES "
                                        "('lock', 0, ?) IF NOT EXISTS USING TTL {}",
                                        kLockTtl.count())));
  PARLEY_TRY(unlock,
             session.prepare("DELETE FROM schema_version WHERE part = 'lock' AND version = 0 "
                             "IF holder = ?"));
  const auto deadline = std::chrono::steady_clock::now() + kLockTtl + 30s;
  for (;;) {
    PARLEY_TRY(taken, session.run(Statement(lock).bytes(me)));
    if (taken.applied()) break;
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Code::unavailable,
                  fmt::format("another process has migrated keyspace '{}' for {} s: look for it",
                              session.settings().keyspace, (kLockTtl + 30s).count()));
    std::this_thread::sleep_for(200ms);
  }
  auto version = run_steps(session, steps);
  auto unlocked = session.run(Statement(unlock).bytes(me));
  if (version && !unlocked) return std::unexpected(std::move(unlocked).error());
  return version;
}

}  // namespace

Result<int> migrate(const Settings& settings, int replication_factor,
                    std::span<const Migration> steps) {
  {
    auto outside = settings;
    outside.keyspace.clear();
    PARLEY_TRY(session, Session::open(outside));
    Options patient;
    patient.timeout = settings.schema_timeout;
    PARLEY_TRY_VOID(session->run(
        fmt::format("CREATE KEYSPACE IF NOT EXISTS \"{}\" WITH replication = {{'class': "
                    "'NetworkTopologyStrategy', 'replication_factor': {}}}",
                    settings.keyspace, replication_factor),
        patient));
    PARLEY_TRY_VOID(session->run(
        fmt::format("CREATE TABLE IF NOT EXISTS \"{}\".schema_version (part text, version int, "
                    "holder text, done_at timestamp, PRIMARY KEY (part, version)) WITH id = {}",
                    settings.keyspace, table_id(settings.keyspace)),
        patient));
  }
  PARLEY_TRY(session, Session::open(settings));
  return under_lock(*session, steps);
}

Result<void> reach(Session& session) {
  Options options;
  options.timeout = 4s;
  options.idempotent = true;
  PARLEY_TRY_VOID(session.run("SELECT version FROM schema_version WHERE part = 'done'", options));
  return {};
}

Result<void> check_schema(Session& session, std::span<const Migration> steps) {
  PARLEY_TRY(found, version_of(session));
  if (found > last_of(steps))
    return std::unexpected(newer(session.settings(), found, last_of(steps)));
  if (found < last_of(steps))
    return fail(
        Code::unsupported,
        fmt::format("this program needs schema {} of keyspace '{}' of Cassandra at {}, found "
                    "{}: run `parleyd migrate --config FILE`",
                    last_of(steps), session.settings().keyspace, session.settings().contact_points,
                    found));
  return {};
}

}  // namespace parley::cassandra
