#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/auth.h"

namespace parley {

struct ProfileView {
  UserId user;
  std::string name, display_name, about;
  TimeMs created;
};
struct ProfileChange {
  std::optional<std::string> name, display_name, about;
};
struct DeviceView {
  DeviceId device;
  std::string name;
  TimeMs created, last_used;
};

/// Profiles, devices, and finding people. Coroutines run on the caller's executor.
class UserApi {
 public:
  virtual ~UserApi() = default;
  virtual Awaitable<Result<ProfileView>> profile(UserId user) = 0;  // not_found
  virtual Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) = 0;
  virtual Awaitable<Result<ProfileView>> find(std::string name) = 0;  // not_found
  virtual Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) = 0;
  virtual Awaitable<Result<bool>> exists(UserId user) = 0;
};

}  // namespace parley
