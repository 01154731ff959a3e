#pragma once
#include "api/user.h"
#include "rpc/pool.h"
#include "rpc/router.h"

namespace parley::rpc {

/// UserApi of other processes, as calls; reads ask another one if the first cannot be reached.
class UserClient final : public UserApi {
 public:
  explicit UserClient(Pool& pool) : pool_(pool) {}

  Awaitable<Result<ProfileView>> profile(UserId user) override;
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) override;
  Awaitable<Result<ProfileView>> find(std::string name) override;
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) override;
  Awaitable<Result<bool>> exists(UserId user) override;

 private:
  Pool& pool_;
};

/// Answers for the user service of this process.
void serve(Router& router, UserApi& users);

}  // namespace parley::rpc
