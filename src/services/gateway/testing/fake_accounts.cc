#include <algorithm>
#include <boost/asio.hpp>
#include <fmt/format.h>

#include "services/gateway/testing/fakes.h"

namespace parley::gateway::testing {
namespace {

TokenPair pair_of(UserId user, DeviceId device) {
  const TimeMs expires(4'000'000'000'000);
  return {user,
          device,
          FakeAuth::token(user.value, device.value, expires.value),
          expires,
          "refresh-" + std::to_string(user.value),
          expires};
}

ProfileView profile_of(UserId user) {
  return {user, fmt::format("user{}", user.value), fmt::format("User {}", user.value), "",
          TimeMs(1)};
}
bool known(UserId user) { return user.value >= 1 && user.value <= 9; }
std::unexpected<Error> no_user() {
  return fail(Code::not_found, "there is no such user", "user_id");
}

}  // namespace

std::string FakeAuth::token(std::uint64_t user, std::uint64_t device, std::int64_t expires_ms) {
  return fmt::format("{} {} {}", user, device, expires_ms);
}

void FakeAuth::revoke(DeviceId device) {
  const std::lock_guard lock(mutex_);
  revoked_.insert(device);
}

std::vector<DeviceId> FakeAuth::signed_out() const {
  const std::lock_guard lock(mutex_);
  return {revoked_.begin(), revoked_.end()};
}

Awaitable<Result<TokenPair>> FakeAuth::sign_up(SignUp request) {
  if (request.name == "taken") co_return fail(Code::already_exists, "the name is taken", "name");
  co_return pair_of(UserId(9), DeviceId(90));
}
Awaitable<Result<TokenPair>> FakeAuth::sign_in(SignIn request) {
  if (request.password != "right")
    co_return fail(Code::wrong_credentials, "user name or password is wrong");
  co_return pair_of(UserId(1), DeviceId(10));
}
Awaitable<Result<TokenPair>> FakeAuth::refresh(std::string refresh_token) {
  if (refresh_token != "refresh-1") co_return fail(Code::unauthenticated, "sign in");
  co_return pair_of(UserId(1), DeviceId(10));
}
Awaitable<Result<void>> FakeAuth::sign_out(UserId, DeviceId device) {
  revoke(device);
  co_return Result<void>();
}
Awaitable<Result<void>> FakeAuth::sign_out_all(UserId user) {
  revoke(DeviceId(user.value * 10));
  revoke(DeviceId(user.value * 10 + 1));
  co_return Result<void>();
}

Result<Principal> FakeAuth::check(std::string_view access_token) const {
  unsigned long long user = 0, device = 0;
  long long expires = 0;
  if (std::sscanf(std::string(access_token).c_str(), "%llu %llu %lld", &user, &device, &expires) !=
      3)
    return fail(Code::unauthenticated, "not a token", "token");
  if (is_revoked(DeviceId(device))) return fail(Code::unauthenticated, "signed out", "token");
  if (expires == 0) return fail(Code::token_expired, "the token has expired", "token");
  return Principal{UserId(user), DeviceId(device), TimeMs(expires)};
}

bool FakeAuth::is_revoked(DeviceId device) const {
  const std::lock_guard lock(mutex_);
  return revoked_.contains(device);
}

Awaitable<Result<ProfileView>> FakeUsers::profile(UserId user) {
  if (!known(user)) co_return no_user();
  co_return profile_of(user);
}
Awaitable<Result<ProfileView>> FakeUsers::update(UserId user, ProfileChange change) {
  auto profile = profile_of(user);
  if (change.display_name) profile.display_name = *change.display_name;
  if (change.about) profile.about = *change.about;
  co_return profile;
}
Awaitable<Result<ProfileView>> FakeUsers::find(std::string name) {
  for (std::uint64_t id = 1; id <= 9; ++id)
    if (profile_of(UserId(id)).name == name) co_return profile_of(UserId(id));
  co_return no_user();
}
Awaitable<Result<std::vector<DeviceView>>> FakeUsers::devices(UserId user) {
  co_return std::vector<DeviceView>{{DeviceId(user.value * 10), "phone", TimeMs(1), TimeMs(2)},
                                    {DeviceId(user.value * 10 + 1), "desk", TimeMs(1), TimeMs(2)}};
}
Awaitable<Result<bool>> FakeUsers::exists(UserId user) { co_return known(user); }

void FakeSessions::update(GatewayId, std::vector<Presence> changes) {
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes) told_.emplace_back(change.user, change.online);
}
void FakeSessions::locate(std::vector<UserId> users,
                          std::move_only_function<void(std::vector<Location>)> found) {
  std::vector<Location> locations;
  {
    const std::lock_guard lock(mutex_);
    for (const auto user : users) {
      bool online = false;
      for (const auto& [told, came] : told_)
        if (told == user) online = came;
      if (online) locations.push_back({user, GatewayId(1)});
    }
  }
  found(std::move(locations));
}
std::vector<std::pair<UserId, bool>> FakeSessions::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

void FakeDiscovery::answer_with(Result<std::vector<RecommendedGateway>> answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

FakeDiscovery::Asked FakeDiscovery::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

Result<std::vector<RecommendedGateway>> FakeDiscovery::recommend(const Seeker& seeker) {
  const std::lock_guard lock(mutex_);
  asked_ = {seeker.at, std::string(seeker.zone), std::string(seeker.address),
            std::string(seeker.last), seeker.limit};
  return answer_;
}

}  // namespace parley::gateway::testing
