#include "rpc/user.h"

#include "parley/rpc/v1/user.pb.h"

namespace parley::rpc {
namespace {

constexpr Method<v1::UserRequest, v1::ProfileView> kProfile{"/parley.rpc.v1.User/Profile"};
constexpr Method<v1::ProfileChange, v1::ProfileView> kUpdate{"/parley.rpc.v1.User/Update"};
constexpr Method<v1::FindRequest, v1::ProfileView> kFind{"/parley.rpc.v1.User/Find"};
constexpr Method<v1::UserRequest, v1::DevicesAnswer> kDevices{"/parley.rpc.v1.User/Devices"};
constexpr Method<v1::UserRequest, v1::ExistsAnswer> kExists{"/parley.rpc.v1.User/Exists"};

v1::UserRequest request_of(UserId user) {
  v1::UserRequest out;
  out.set_user(user.value);
  return out;
}
ProfileView from_proto(const v1::ProfileView& view) {
  return {UserId(view.user()), view.name(), view.display_name(), view.about(),
          TimeMs(view.created_ms())};
}
v1::ProfileView to_proto(const ProfileView& view) {
  v1::ProfileView out;
  out.set_user(view.user.value);
  out.set_name(view.name);
  out.set_display_name(view.display_name);
  out.set_about(view.about);
  out.set_created_ms(view.created.value);
  return out;
}

}  // namespace

Awaitable<Result<ProfileView>> UserClient::profile(UserId user) {
  PARLEY_CO_TRY(view, co_await pool_.ask(kProfile, request_of(user)));
  co_return from_proto(view);
}

Awaitable<Result<ProfileView>> UserClient::update(UserId user, ProfileChange change) {
  v1::ProfileChange request;
  request.set_user(user.value);
  if (change.name) request.set_name(std::move(*change.name));
  if (change.display_name) request.set_display_name(std::move(*change.display_name));
  if (change.about) request.set_about(std::move(*change.about));
  PARLEY_CO_TRY(view, co_await pool_.call(kUpdate, std::move(request)));
  co_return from_proto(view);
}

Awaitable<Result<ProfileView>> UserClient::find(std::string name) {
  v1::FindRequest request;
  request.set_name(std::move(name));
  PARLEY_CO_TRY(view, co_await pool_.ask(kFind, std::move(request)));
  co_return from_proto(view);
}

Awaitable<Result<std::vector<DeviceView>>> UserClient::devices(UserId user) {
  PARLEY_CO_TRY(answer, co_await pool_.ask(kDevices, request_of(user)));
  std::vector<DeviceView> out;
  for (const auto& device : answer.devices())
    out.push_back({DeviceId(device.device()), device.name(), TimeMs(device.created_ms()),
                   TimeMs(device.last_used_ms())});
  co_return out;
}

Awaitable<Result<bool>> UserClient::exists(UserId user) {
  PARLEY_CO_TRY(answer, co_await pool_.ask(kExists, request_of(user)));
  co_return answer.exists();
}

void serve(Router& router, UserApi& users) {
  router.on_call(kProfile, [&users](v1::UserRequest request) -> Awaitable<Result<v1::ProfileView>> {
    PARLEY_CO_TRY(view, co_await users.profile(UserId(request.user())));
    co_return to_proto(view);
  });
  router.on_call(
      kUpdate, [&users](v1::ProfileChange request) -> Awaitable<Result<v1::ProfileView>> {
        ProfileChange change;
        if (request.has_name()) change.name = request.name();
        if (request.has_display_name()) change.display_name = request.display_name();
        if (request.has_about()) change.about = request.about();
        PARLEY_CO_TRY(view, co_await users.update(UserId(request.user()), std::move(change)));
        co_return to_proto(view);
      });
  router.on_call(kFind, [&users](v1::FindRequest request) -> Awaitable<Result<v1::ProfileView>> {
    PARLEY_CO_TRY(view, co_await users.find(request.name()));
    co_return to_proto(view);
  });
  router.on_call(kDevices,
                 [&users](v1::UserRequest request) -> Awaitable<Result<v1::DevicesAnswer>> {
                   PARLEY_CO_TRY(found, co_await users.devices(UserId(request.user())));
                   v1::DevicesAnswer answer;
                   for (const auto& device : found) {
                     auto& row = *answer.add_devices();
                     row.set_device(device.device.value);
                     row.set_name(device.name);
                     row.set_created_ms(device.created.value);
                     row.set_last_used_ms(device.last_used.value);
                   }
                   co_return answer;
                 });
  router.on_call(kExists, [&users](v1::UserRequest request) -> Awaitable<Result<v1::ExistsAnswer>> {
    PARLEY_CO_TRY(exists, co_await users.exists(UserId(request.user())));
    v1::ExistsAnswer answer;
    answer.set_exists(exists);
    co_return answer;
  });
}

}  // namespace parley::rpc
