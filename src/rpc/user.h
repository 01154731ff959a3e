#pragma once
#include "api/user.h"
#include "rpc/channel.h"
#include "rpc/router.h"

namespace parley::rpc {

/// UserApi of another process, as calls.
class UserClient final : public UserApi {
 public:
  explicit UserClient(Channel& channel) : channel_(channel) {}

  Awaitable<Result<ProfileView>> profile(UserId user) override;
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) override;
  Awaitable<Result<ProfileView>> find(std::string name) override;
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) override;
  Awaitable<Result<bool>> exists(UserId user) override;

 private:
  Channel& channel_;
};

/// Answers for the user service of this process.
void serve(Router& router, UserApi& users);

}  // namespace parley::rpc
