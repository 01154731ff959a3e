#pragma once
#include <boost/asio/thread_pool.hpp>

#include "api/user.h"
#include "base/clock.h"
#include "domain/limits.h"
#include "ports/accounts.h"
#include "ports/cache.h"
#include "services/user/known_users.h"

namespace parley::user {

struct UserSettings {
  Limits limits;
  std::size_t known_users = 65'536;
};

/// Profiles, devices, and finding people (api/user.h). Any loop. It outlives the coroutines that it
/// started. A name is unique by the store's word; two updates of one user do not undo each other,
/// in whichever processes.
class UserService final : public UserApi {
 public:
  UserService(AccountStore& accounts, DeviceStore& devices, Cache& cache, const Clock& clock,
              boost::asio::thread_pool& pool, UserSettings settings);

  Awaitable<Result<ProfileView>> profile(UserId user) override;
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) override;
  Awaitable<Result<ProfileView>> find(std::string name) override;
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) override;
  Awaitable<Result<bool>> exists(UserId user) override;

 private:
  AccountStore& accounts_;
  DeviceStore& devices_;
  Cache& cache_;  // of profiles
  const Clock& clock_;
  boost::asio::thread_pool& pool_;
  const UserSettings settings_;
  KnownUsers known_;
};

}  // namespace parley::user
