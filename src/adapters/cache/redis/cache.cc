#include "adapters/cache/redis/cache.h"

namespace parley::cache {
namespace {

std::string ms(std::chrono::milliseconds time) { return std::to_string(time.count()); }

}  // namespace

void RedisCache::get(const std::string& key, Got got) {
  on_loop([this, key = settings_.prefix + key, got = std::move(got)]() mutable {
    client_.command({"GET", key}, [got = std::move(got)](Result<redis::Reply> reply) mutable {
      const auto kept = reply ? reply->text() : std::string_view();
      got(kept.starts_with('v') ? std::optional(std::string(kept.substr(1))) : std::nullopt);
    });
  });
}

void RedisCache::fill(const std::string& key, std::string value) {
  on_loop([this, key = settings_.prefix + key, value = "v" + std::move(value)] {
    client_.command({"SET", key, value, "NX", "PX", ms(settings_.lifetime)}, [](const auto&) {});
  });
}

void RedisCache::invalidate(const std::string& key, Done done) {
  on_loop([this, key = settings_.prefix + key, done = std::move(done)]() mutable {
    client_.command({"SET", key, "x", "PX", ms(kReadAtMost)},
                    [done = std::move(done)](Result<redis::Reply> reply) mutable {
                      done(reply ? Result<void>() : std::unexpected(std::move(reply).error()));
                    });
  });
}

}  // namespace parley::cache
