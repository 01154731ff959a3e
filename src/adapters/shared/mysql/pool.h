#pragma once
#include <atomic>
#include <soci/soci.h>
#include <vector>

#include "adapters/shared/mysql/settings.h"
#include "base/result.h"

namespace parley::mysql {

/// At most so many connections, each opened when it is first needed, and again after it was lost.
/// When one was lost the idle ones are not trusted either: they are opened anew before their next
/// use. Any thread.
class Pool {
 public:
  explicit Pool(const Settings& settings);

  /// A connection for one call, given back at its end.
  class Lease {
   public:
    Lease(Pool& pool, std::size_t at) : pool_(&pool), at_(at) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), at_(other.at_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_) pool_->sessions_.give_back(at_);
    }

    /// Opens it if it is not open. Throws what SOCI throws.
    soci::session& open();
    /// The open one, also when others were lost meanwhile.
    soci::session& current() { return pool_->sessions_.at(at_); }
    /// It was lost.
    void drop();

   private:
    Pool* pool_;
    std::size_t at_;
  };
  /// Waits for as long as the settings say; then `busy`.
  Result<Lease> take();

 private:
  struct Slot {
    bool open = false;
    unsigned epoch = 0;  // in which it was opened
  };

  const Settings& settings_;
  soci::connection_pool sessions_;
  std::vector<Slot> slots_;  // each is its lease's
  std::atomic<unsigned> epoch_{0};
  std::atomic<bool> reachable_{true};  // as the log was told
};

}  // namespace parley::mysql
