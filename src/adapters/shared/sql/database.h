#pragma once
#include <functional>
#include <optional>
#include <soci/soci.h>
#include <type_traits>

#include "adapters/shared/sql/schema.h"
#include "base/metrics.h"
#include "base/result.h"

namespace parley::sql {

/// A relational database through SOCI, its schema being the one that the stores on it need. Any
/// thread; blocks. SOCI's exceptions end here. README.md has the rules for who calls it.
class Database {
 public:
  virtual ~Database() = default;

  /// Runs `f(soci::session&)`, which returns a Result, outside of a transaction: each statement
  /// sees what was committed when it began.
  template <class F>
  std::invoke_result_t<F, soci::session&> read(F f) {
    return run(false, f);
  }

  /// The same in one transaction: committed and synced if `f` returned a success, else undone.
  /// `unavailable` may mean that the commit was lost on its way: what is written is made so that
  /// writing it again does no harm. `busy`, `storage_full`: nothing was changed.
  template <class F>
  std::invoke_result_t<F, soci::session&> write(F f) {
    return run(true, f);
  }

  /// From now on what each call takes is counted, as `store`'s: "mysql". Before anybody calls.
  void measure(Metrics& metrics, const std::string& store, const std::string& tables) {
    reads_ = &metrics.store_seconds(store, tables + "_read");
    writes_ = &metrics.store_seconds(store, tables + "_write");
    failures_ = &metrics.store_failures(store, tables);
  }

 protected:
  using Work = std::function<bool(soci::session&)>;  // whether it is to be committed

  virtual Result<void> run_read(const Work& work) = 0;
  virtual Result<void> run_write(const Work& work) = 0;

 private:
  template <class F>
  std::invoke_result_t<F, soci::session&> run(bool writes, F& f) {
    const Stopwatch watch(writes ? writes_ : reads_);
    std::optional<std::invoke_result_t<F, soci::session&>> result;
    const Work work = [&](soci::session& s) {
      result.emplace(f(s));
      return result->has_value();
    };
    auto done = writes ? run_write(work) : run_read(work);
    if (!done && failures_) failures_->add();
    if (!done) return std::unexpected(std::move(done).error());
    return std::move(*result);
  }

  Histogram* reads_ = nullptr;
  Histogram* writes_ = nullptr;
  Metric* failures_ = nullptr;
};

}  // namespace parley::sql
