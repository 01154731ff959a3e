#include "adapters/session_registry/redis/registry.h"

#include <fmt/format.h>
#include <optional>

#include "adapters/session_registry/redis/scripts.h"
#include "base/log.h"

namespace parley::session_registry {
namespace {
using redis::Reply;

// Of one script: about a millisecond of Redis' time.
constexpr std::size_t kAtOnce = 500;

std::string with_common(const char* script) { return std::string(scripts::kCommon) + script; }

std::uint32_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

std::vector<std::string_view> views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

/// {user, gateway ...}
Result<UserSessions> sessions_of(Reply reply) {
  PARLEY_TRY(numbers, reply.numbers());
  if (numbers.empty()) return fail(Code::internal, "Redis answered about nobody");
  UserSessions out{UserId(numbers.front()), {}};
  for (auto gateway : std::span(numbers).subspan(1)) out.gateways.emplace_back(gateway);
  return out;
}

/// Gathers the answers to the parts of a call, each of which adds to `out`, and answers the call
/// when the last one has come: with the first failure, if there is one.
template <class T>
class Gathered {
 public:
  using Done = std::move_only_function<void(Result<std::vector<T>>)>;
  Gathered(std::size_t parts, Done done) : open_(parts), done_(std::move(done)) {}

  void part(Result<void> outcome) {
    if (!outcome && !failure_) failure_ = std::move(outcome).error();
    if (--open_ != 0) return;
    if (failure_) return done_(std::unexpected(std::move(*failure_)));
    done_(std::move(out));
  }
  std::vector<T> out;

 private:
  std::size_t open_;
  Done done_;
  std::optional<Error> failure_;
};

std::size_t parts(std::size_t size) { return (size + kAtOnce - 1) / kAtOnce; }

}  // namespace

RedisRegistry::RedisRegistry(redis::Client& client, RedisSettings settings)
    : client_(client),
      settings_(std::move(settings)),
      timeout_ms_(std::to_string(settings_.gateway_timeout.count())),
      update_(client.add(with_common(scripts::kUpdate))),
      heartbeat_(client.add(with_common(scripts::kHeartbeat))),
      end_(client.add(with_common(scripts::kEnd))),
      remove_(client.add(with_common(scripts::kRemove))),
      find_(client.add(with_common(scripts::kFind))),
      random_(std::random_device()()) {
  client.on_open([this] { open(); });
}

std::string RedisRegistry::random_name() { return fmt::format("{:016x}", random_()); }

/// Says which filling of Redis this process knows, and that gateways may have been forgotten.
void RedisRegistry::open() {
  unsettle();
  const auto key = settings_.prefix + "epoch";
  client_.command({"SET", key, random_name(), "NX"}, [](const auto&) {});  // GET tells
  client_.command({"GET", key}, [this](Result<Reply> reply) {
    epoch_ = reply ? reply->text() : std::string_view();
  });
}

void RedisRegistry::update(GatewayId gateway, std::vector<Presence> changes, bool report,
                           Changed changed) {
  if (changes.empty()) return changed({});
  auto all = std::make_shared<Gathered<UserSessions>>(parts(changes.size()), std::move(changed));
  for (std::size_t from = 0; from < changes.size(); from += kAtOnce) {
    std::vector<std::string> words{settings_.prefix, std::to_string(gateway.value), timeout_ms_,
                                   random_name(), report ? "1" : "0"};
    for (const auto& change :
         std::span(changes).subspan(from, std::min(kAtOnce, changes.size() - from))) {
      words.push_back(std::to_string(change.user.value));
      words.emplace_back(change.online ? "1" : "0");
    }
    client_.run(update_, views(words), [this, all](Result<Reply> reply) {
      all->part([&]() -> Result<void> {
        if (!reply) {
          unsettle();  // the caller has it said again
          return std::unexpected(reply.error());
        }
        for (std::size_t i = 0; i < reply->size(); ++i) {
          PARLEY_TRY(now, sessions_of(reply->at(i)));
          all->out.push_back(std::move(now));
        }
        return {};
      }());
    });
  }
}

void RedisRegistry::heartbeat(GatewayId gateway, Known known) {
  const std::string words[] = {settings_.prefix, std::to_string(gateway.value), timeout_ms_,
                               random_name()};
  client_.run(heartbeat_, views({std::begin(words), std::end(words)}),
              [this, known = std::move(known)](Result<Reply> reply) mutable {
                if (!reply) return known(std::unexpected(std::move(reply).error()));
                const auto was = reply->number();
                if (!was) return known(std::unexpected(was.error()));
                if (*was == scripts::kExpired) unsettle();
                known(*was == scripts::kKnown);
              });
}

struct RedisRegistry::Removing {
  std::string gateway;
  bool report;
  Changed changed;
  std::vector<std::string> done;  // a tenure, and those of its users that were told
};

void RedisRegistry::remove_gateway(GatewayId gateway, bool report, Changed changed) {
  auto removing = std::make_shared<Removing>(std::to_string(gateway.value), report,
                                             std::move(changed), std::vector<std::string>{""});
  // From here on its rows count no more, and what is said next belongs to another tenure; the rest
  // may take a while.
  client_.run(end_, std::to_array<std::string_view>({settings_.prefix, removing->gateway}),
              [this, removing](Result<Reply> reply) {
                if (reply) return remove_next(removing);
                unsettle();
                removing->changed(std::unexpected(std::move(reply).error()));
              });
}

void RedisRegistry::remove_next(std::shared_ptr<Removing> removing) {
  std::vector<std::string> words{settings_.prefix, removing->gateway, removing->report ? "1" : "0",
                                 std::to_string(kAtOnce)};
  words.insert(words.end(), removing->done.begin(), removing->done.end());
  client_.run(remove_, views(words), [this, removing](Result<Reply> reply) {
    if (!reply) return removing->changed(std::unexpected(std::move(reply).error()));
    if (reply->size() == 0) return removing->changed({});
    removing->done = {std::string(reply->at(0).text())};
    std::vector<UserSessions> part;
    for (std::size_t i = 1; i < reply->size(); ++i) {
      auto now = sessions_of(reply->at(i));
      if (!now) return removing->changed(std::unexpected(std::move(now).error()));
      removing->done.push_back(std::to_string(now->user.value));
      if (removing->report) part.push_back(std::move(*now));
    }
    if (!part.empty()) removing->changed(std::move(part));
    remove_next(removing);
  });
}

void RedisRegistry::find(std::span<const UserId> users, Found found) {
  if (users.empty()) return found({});
  const bool settled = std::chrono::steady_clock::now() >= settled_;
  if (settled && epoch_.empty()) open();  // the last attempt failed
  if (!settled || epoch_.empty())
    return found(fail_for(Code::unavailable, "gateways have not said again yet who is on them",
                          ms(settings_.settle)));
  auto all = std::make_shared<Gathered<Location>>(parts(users.size()), std::move(found));
  for (std::size_t from = 0; from < users.size(); from += kAtOnce) {
    std::vector<std::string> words{settings_.prefix, epoch_};
    for (auto user : users.subspan(from, std::min(kAtOnce, users.size() - from)))
      words.push_back(std::to_string(user.value));
    client_.run(find_, views(words), [this, all](Result<Reply> reply) {
      all->part([&]() -> Result<void> {
        if (!reply) return std::unexpected(std::move(reply).error());
        if (reply->is_nil()) {
          log::warn("session", "redis_was_wiped address={}", client_.address());
          open();
          return fail_for(Code::unavailable, "Redis has forgotten who is where",
                          ms(settings_.settle));
        }
        PARLEY_TRY(numbers, reply->numbers());
        for (std::size_t i = 0; i + 1 < numbers.size(); i += 2)
          all->out.push_back({UserId(numbers[i]), GatewayId(numbers[i + 1])});
        return {};
      }());
    });
  }
}

}  // namespace parley::session_registry
