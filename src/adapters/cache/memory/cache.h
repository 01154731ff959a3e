#pragma once
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "ports/cache.h"

namespace parley::cache {

/// Of one process, bounded in number: what was not used for the longest makes room.
class MemoryCache final : public Cache {
 public:
  MemoryCache(const Clock& clock, std::size_t max_keys) : clock_(clock), max_keys_(max_keys) {}

  void get(const std::string& key, Got got) override;
  void fill(const std::string& key, std::string value) override;
  void invalidate(const std::string& key, Done done) override;
  std::size_t keys() const;

 private:
  struct Row {
    std::string key;
    std::optional<std::string> value;
    Clock::Mono barred_until;
  };
  using Rows = std::list<Row>;
  Rows::iterator find(const std::string& key);
  Row& add(const std::string& key);

  const Clock& clock_;
  const std::size_t max_keys_;
  mutable std::mutex mutex_;
  Rows rows_;  // the last used first
  std::unordered_map<std::string_view, Rows::iterator> by_key_;
};

}  // namespace parley::cache
