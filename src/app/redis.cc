#include "app/redis.h"

#include <fmt/format.h>
#include <fstream>

#include "app/process.h"

namespace parley::app {

Result<redis::Settings> redis_settings(const Config& of) {
  const auto& config = of.redis;
  PARLEY_TRY(at, parse_address(config.address));
  redis::Settings settings;
  settings.host = at.host;
  settings.port = at.port;
  settings.user = config.user;
  settings.database = static_cast<unsigned>(config.database);
  if (!config.password_file.empty()) {
    std::ifstream file(config.password_file);
    if (!std::getline(file, settings.password) || settings.password.empty())
      return fail(Code::invalid_argument,
                  fmt::format("redis.password_file = \"{}\" cannot be read, or is empty: it is one "
                              "line, the password",
                              config.password_file));
  }
  return settings;
}

Result<void> make_redis(Process& p) {
  if (p.redis) return {};
  PARLEY_TRY(settings, redis_settings(p.config));
  settings.took = &p.metrics.store_seconds("redis", "command");
  p.redis = std::make_unique<redis::Client>(*p.loops, 0, std::move(settings));
  return {};
}

}  // namespace parley::app
