#include "adapters/shared/mysql/pool.h"

#include "adapters/shared/mysql/connection.h"
#include "adapters/shared/mysql/failure.h"
#include "base/log.h"

namespace parley::mysql {

Pool::Pool(const Settings& settings)
    : settings_(settings), sessions_(settings.connections), slots_(settings.connections) {}

Result<Pool::Lease> Pool::take() {
  std::size_t at = 0;
  if (!sessions_.try_lease(at, static_cast<int>(settings_.wait.count())))
    return fail_for(Code::busy, "every connection to the database is in use", 1'000);
  return Lease(*this, at);
}

soci::session& Pool::Lease::open() {
  auto& session = pool_->sessions_.at(at_);
  auto& slot = pool_->slots_[at_];
  const unsigned epoch = pool_->epoch_;
  if (slot.open && slot.epoch == epoch) return session;
  if (slot.open) session.close();
  slot = {false, epoch};
  try {
    connect(session, pool_->settings_, Purpose::store);
  } catch (const std::exception& e) {
    session.close();
    if (pool_->reachable_.exchange(false))
      log::warn("mysql", "unreachable address={} database={} code={}", pool_->settings_.address(),
                pool_->settings_.database, failure_of(e).number);
    throw;
  }
  slot.open = true;
  if (!pool_->reachable_.exchange(true))
    log::info("mysql", "reachable address={} database={}", pool_->settings_.address(),
              pool_->settings_.database);
  return session;
}

void Pool::Lease::drop() {
  auto& slot = pool_->slots_[at_];
  if (!slot.open) return;
  pool_->sessions_.at(at_).close();
  slot.open = false;
  auto seen = slot.epoch;  // only the first of those that were lost together counts
  pool_->epoch_.compare_exchange_strong(seen, seen + 1);
}

}  // namespace parley::mysql
