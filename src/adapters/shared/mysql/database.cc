#include "adapters/shared/mysql/database.h"

#include <fmt/format.h>
#include <random>
#include <thread>

#include "adapters/shared/mysql/failure.h"
#include "adapters/shared/mysql/migrate.h"
#include "base/log.h"

namespace parley::mysql {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = Failure::Kind;

// Whoever lost to another transaction waits for a moment, longer each time, so that the same ones
// do not meet again.
void back_off(int attempt) {
  static thread_local std::minstd_rand random(std::random_device{}());
  const auto most = 1'000 << std::min(attempt, 6);  // microseconds
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::uniform_int_distribution<int>(0, most)(random)));
}

// Undoes what was begun, and says whether the connection still works.
bool undone(soci::session& session) {
  try {
    session.rollback();
    return true;
  } catch (const std::exception&) {
    return false;  // the server undoes what a lost connection had begun
  }
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(Settings settings, const sql::Schema& schema) {
  std::unique_ptr<Database> db(new Database(std::move(settings)));
  PARLEY_TRY_VOID(db->check(schema));
  return db;
}

Result<void> Database::check(const sql::Schema& schema) {
  PARLEY_TRY(lease, pool_.take());
  int stored = 0, moving = 0;
  try {
    auto& session = lease.open();
    stored = stored_version(session, schema.name);
    session << "SELECT COUNT(*) FROM information_schema.tables "
               "WHERE table_schema = DATABASE() AND table_name = 'moving'",
        soci::into(moving);
    // Stores promise that what they answer is synced. A cluster that answers from a quorum may
    // choose otherwise.
    int synced = 1;
    session << "SELECT @@innodb_flush_log_at_trx_commit", soci::into(synced);
    if (synced != 1)
      log::warn("mysql", "not_synced address={} innodb_flush_log_at_trx_commit={}",
                settings_.address(), synced);
  } catch (const std::exception& e) {
    lease.drop();
    if (failure_of(e).number != kNoSuchDatabase)
      return std::unexpected(error_at_start(settings_, e));
  }
  if (moving != 0 && !settings_.moving)
    return fail(Code::unsupported,
                fmt::format("the move into the MySQL database {} is not finished: run `parleyd "
                            "migrate --from embedded --to cluster` again",
                            settings_.database));
  if (stored == schema.version()) return {};
  if (stored > schema.version())
    return fail(Code::unsupported,
                fmt::format("the MySQL database {} has schema {} of {}, this program knows up to "
                            "{}: run the newer program that migrated it",
                            settings_.database, stored, schema.name, schema.version()));
  return fail(Code::unsupported,
              fmt::format("the MySQL database {} has schema {} of {}, this program needs {}: run "
                          "`parleyd migrate --config FILE`",
                          settings_.database, stored, schema.name, schema.version()));
}

Result<void> Database::run(const Work& work, bool in_transaction) {
  PARLEY_TRY(lease, pool_.take());
  const auto give_up = Clock::now() + settings_.contention;
  bool lost_before = false, duplicate_before = false;
  for (int attempt = 0;; ++attempt) {
    bool connected = false, begun = false;
    try {
      auto& session = lease.open();
      connected = true;
      if (in_transaction) session.begin();
      begun = in_transaction;
      const bool good = work(session);
      if (in_transaction) good ? session.commit() : session.rollback();
      return {};
    } catch (const std::exception& e) {
      auto failure = failure_of(e);
      if (failure.kind == Kind::lost) {
        lease.drop();
        // One that the server had closed while it was idle: nothing was done yet.
        if (!connected || begun || lost_before) return std::unexpected(std::move(failure.error));
        lost_before = true;
        continue;
      }
      if (begun && !undone(lease.current())) lease.drop();
      if (failure.kind == Kind::contended && Clock::now() < give_up) {
        back_off(attempt);
        continue;
      }
      // Whoever was quicker has committed: the next run sees it, and judges.
      if (failure.kind == Kind::duplicate && !std::exchange(duplicate_before, true)) continue;
      if (failure.error.code == Code::internal)
        log::error("mysql", "failed address={} database={} code={}", settings_.address(),
                   settings_.database, failure.number);
      return std::unexpected(std::move(failure.error));
    }
  }
}

}  // namespace parley::mysql
