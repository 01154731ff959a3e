#include "adapters/cache/memory/cache.h"

namespace parley::cache {

void MemoryCache::get(const std::string& key, Got got) {
  std::optional<std::string> value;
  {
    const std::lock_guard lock(mutex_);
    if (const auto row = find(key); row != rows_.end()) value = row->value;
  }
  got(std::move(value));
}

void MemoryCache::fill(const std::string& key, std::string value) {
  const std::lock_guard lock(mutex_);
  const auto known = find(key);
  auto& row = known == rows_.end() ? add(key) : *known;
  if (!row.value && row.barred_until <= clock_.mono()) row.value = std::move(value);
}

void MemoryCache::invalidate(const std::string& key, Done done) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = find(key);
    auto& row = known == rows_.end() ? add(key) : *known;
    row.value.reset();
    row.barred_until = clock_.mono() + kReadAtMost;
  }
  done({});
}

std::size_t MemoryCache::keys() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

MemoryCache::Rows::iterator MemoryCache::find(const std::string& key) {
  const auto known = by_key_.find(key);
  if (known == by_key_.end()) return rows_.end();
  rows_.splice(rows_.begin(), rows_, known->second);
  return rows_.begin();
}

MemoryCache::Row& MemoryCache::add(const std::string& key) {
  if (rows_.size() >= max_keys_) {
    by_key_.erase(rows_.back().key);
    rows_.pop_back();
  }
  rows_.push_front({key, {}, {}});
  by_key_.emplace(rows_.front().key, rows_.begin());
  return rows_.front();
}

}  // namespace parley::cache
