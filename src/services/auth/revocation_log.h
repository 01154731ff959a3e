#pragma once
#include <deque>
#include <mutex>

#include "api/auth.h"

namespace parley::auth {

/// Revoked devices in the order in which they were revoked, each with a version. Any thread.
class RevocationLog {
 public:
  /// `start`: below every version. Random among many, so that no two processes come to the same
  /// version: whoever asks one with the version of another is told all, and misses nothing.
  explicit RevocationLog(std::uint64_t start) : first_(start + 1) {}

  void add(Revocation revocation, TimeMs now);
  /// Those after a version; of a version that is not of this log: all.
  Revocations after(std::uint64_t version) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t first_;  // the version of log_.front()
  std::deque<Revocation> log_;
};

}  // namespace parley::auth
