#include "adapters/failure_limits/redis/limits.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace parley::failure_limits {
namespace {

// ARGV: the keys' prefix; then name, burst and milliseconds of refill of each key. A bucket is a
// hash: n, its tokens, as of t, a time of the server's clock in ms.
constexpr const char* kCommon = R"(
local now_s = redis.call('TIME')
local now = now_s[1] * 1000 + math.floor(now_s[2] / 1000)
local function tokens(at)
  local burst, refill = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local row = redis.call('HMGET', ARGV[1]..ARGV[at], 'n', 't')
  if not row[1] then return burst end
  return math.min(burst, row[1] + math.max(0, now - row[2]) / refill)
end
local function set(at, n)
  local key, burst, refill = ARGV[1]..ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if n >= burst then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'n', string.format('%.6f', n), 't', string.format('%d', now))
    redis.call('PEXPIRE', key, string.format('%d', math.ceil((burst - n) * refill)))
  end
end
)";
constexpr const char* kTake = R"(
local wait = 0
for at = 2, #ARGV, 3 do
  wait = math.max(wait, (1 - tokens(at)) * tonumber(ARGV[at + 2]))
end
if wait > 0 then return math.ceil(wait) end
for at = 2, #ARGV, 3 do set(at, tokens(at) - 1) end
return 0
)";
constexpr const char* kGiveBack = R"(
for at = 2, #ARGV, 3 do set(at, tokens(at) + 1) end
return 0
)";

}  // namespace

RedisFailureLimits::RedisFailureLimits(redis::Client& client,
                                       std::unique_ptr<FailureLimits> meanwhile, std::string prefix)
    : client_(client),
      meanwhile_(std::move(meanwhile)),
      prefix_(std::move(prefix)),
      take_(client.add(std::string(kCommon) + kTake)),
      give_back_(client.add(std::string(kCommon) + kGiveBack)) {}

void RedisFailureLimits::run(redis::Script script, const std::vector<Key>& keys,
                             redis::Client::Answer answer) {
  std::vector<std::string> words{prefix_};
  for (const auto& key : keys) {
    words.push_back(key.name);
    words.push_back(fmt::format("{}", key.burst));
    words.push_back(std::to_string(key.refill.count()));
  }
  client_.run(script, std::vector<std::string_view>(words.begin(), words.end()), std::move(answer));
}

void RedisFailureLimits::take(std::vector<Key> keys, Taken taken) {
  client_.loops().run_on(client_.loop(), [this, keys = std::move(keys),
                                          taken = std::move(taken)]() mutable {
    run(take_, keys, [this, keys, taken = std::move(taken)](Result<redis::Reply> reply) mutable {
      if (!reply) return meanwhile_->take(std::move(keys), std::move(taken));
      const auto wait_ms = reply->number();
      if (!wait_ms) return taken(std::unexpected(wait_ms.error()));
      if (*wait_ms > 0) return taken(too_many_failures(static_cast<std::uint32_t>(*wait_ms)));
      taken({});
    });
  });
}

void RedisFailureLimits::give_back(std::vector<Key> keys) {
  client_.loops().run_on(client_.loop(), [this, keys = std::move(keys)] {
    run(give_back_, keys, [this, keys](Result<redis::Reply> reply) {
      if (!reply) meanwhile_->give_back(keys);
    });
  });
}

}  // namespace parley::failure_limits
