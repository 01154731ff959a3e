#include "services/group/appender.h"

#include "base/log.h"

namespace parley::group {

Awaitable<Result<void>> Appender::append(GroupOutboxRow row, std::chrono::milliseconds patience) {
  for (BackOff back_off(settings_);;) {
    auto done = co_await once(row);
    if (done) co_return done;
    const bool again = describe(done.error().code).retryable && back_off.total() < patience;
    log::warn("group", "not appended group={} version={} retried={} error={}", row.group.value,
              row.change.version, again, done.error().message);
    if (!again || pauses_.closed()) co_return done;
    co_await pauses_.sleep(back_off.next());
  }
}

Awaitable<Result<void>> Appender::once(const GroupOutboxRow& row) {
  PARLEY_CO_TRY_VOID(co_await messages_.append(row.group, row.actor, row.change));
  co_return co_await run_blocking(loops_.pool(),
                                  [&] { return store_.appended(row.group, row.change.version); });
}

}  // namespace parley::group
