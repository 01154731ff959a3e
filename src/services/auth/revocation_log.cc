#include "services/auth/revocation_log.h"

namespace parley::auth {

void RevocationLog::add(Revocation revocation, TimeMs now) {
  const std::lock_guard lock(mutex_);
  while (!log_.empty() && log_.front().until < now) {
    log_.pop_front();
    ++first_;
  }
  log_.push_back(revocation);
}

Revocations RevocationLog::after(std::uint64_t version) const {
  const std::lock_guard lock(mutex_);
  const auto last = first_ + log_.size() - 1;
  const auto skipped = version >= first_ && version <= last ? version - first_ + 1 : 0;
  return {{log_.begin() + static_cast<std::ptrdiff_t>(skipped), log_.end()}, last};
}

}  // namespace parley::auth
