#include "adapters/shared/cassandra/fan_out.h"

#include <condition_variable>
#include <mutex>

namespace parley::cassandra {
namespace {

/// `start(i, completion)` for each of `count`.
Result<void> run_all(std::size_t count, std::size_t width,
                     const std::function<void(std::size_t, Completion)>& start,
                     const std::function<void(std::size_t, Rows)>& take) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t in_flight = 0;
  Result<void> outcome;
  for (std::size_t i = 0; i < count; ++i) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return in_flight < width; });
      if (!outcome) break;
      ++in_flight;
    }
    start(i, [&, i](Result<Rows> rows) {
      if (rows) take(i, std::move(*rows));
      const std::lock_guard lock(mutex);
      if (!rows && outcome) outcome = std::unexpected(std::move(rows).error());
      --in_flight;
      changed.notify_one();  // under the lock: who waits may then return, and end what is here
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return in_flight == 0; });
  return outcome;
}

}  // namespace

Result<void> fan_out(Session& session, std::size_t count, std::size_t width,
                     const std::function<Statement(std::size_t)>& make,
                     const std::function<void(std::size_t, Rows)>& take) {
  return run_all(
      count, width,
      [&](std::size_t i, Completion done) { session.execute(make(i), std::move(done)); }, take);
}

Result<void> fan_out(Session& session, const std::vector<Batch>& batches, std::size_t width) {
  return run_all(
      batches.size(), width,
      [&](std::size_t i, Completion done) { session.execute(batches[i], std::move(done)); },
      [](std::size_t, Rows) {});
}

}  // namespace parley::cassandra
