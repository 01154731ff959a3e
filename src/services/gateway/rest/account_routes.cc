#include <algorithm>
#include <boost/asio.hpp>

#include "parley/v1/rest.pb.h"
#include "services/gateway/rest/call.h"

// Ways in and out: sign-up, sign-in, tokens, devices.
namespace parley::gateway::rest {
namespace {

net::HttpResponse tokens(const TokenPair& pair, unsigned status) {
  v1::Tokens out;
  out.set_user_id(pair.user.value);
  out.set_device_id(pair.device.value);
  out.set_access_token(pair.access);
  out.set_access_expires_ms(pair.access_expires.value);
  out.set_refresh_token(pair.refresh);
  out.set_refresh_expires_ms(pair.refresh_expires.value);
  auto response = json(out, status);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Awaitable<Answer> sign_up(Call& call) {
  v1::SignUpRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  SignUp request{body.name(),        body.password(), body.display_name(),
                 body.device_name(), body.invite(),   call.request.remote_address};
  PARLEY_CO_TRY(pair, co_await call.services().auth.sign_up(std::move(request)));
  co_return tokens(pair, 201);
}

Awaitable<Answer> sign_in(Call& call) {
  v1::SignInRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  SignIn request{body.name(), body.password(), body.device_name(), call.request.remote_address};
  PARLEY_CO_TRY(pair, co_await call.services().auth.sign_in(std::move(request)));
  co_return tokens(pair, 200);
}

Awaitable<Answer> refresh(Call& call) {
  v1::RefreshRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  if (body.refresh_token().empty())
    co_return fail(Code::invalid_argument, "a refresh token is wanted", "refresh_token");
  PARLEY_CO_TRY(pair, co_await call.services().auth.refresh(body.refresh_token()));
  co_return tokens(pair, 200);
}

Awaitable<Answer> sign_out(Call& call) {
  v1::SignOutRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  auto& auth = call.services().auth;
  if (body.all_devices())
    PARLEY_CO_TRY_VOID(co_await auth.sign_out_all(call.who.user));
  else
    PARLEY_CO_TRY_VOID(co_await auth.sign_out(call.who.user, call.who.device));
  co_return done();
}

Awaitable<Answer> list_devices(Call& call) {
  PARLEY_CO_TRY(devices, co_await call.services().users.devices(call.who.user));
  v1::Devices out;
  for (const auto& device : devices) {
    auto& row = *out.add_devices();
    row.set_device_id(device.device.value);
    row.set_name(device.name);
    row.set_created_ms(device.created.value);
    row.set_last_used_ms(device.last_used.value);
    row.set_current(device.device == call.who.device);
  }
  co_return json(out);
}

Awaitable<Answer> remove_device(Call& call) {
  PARLEY_CO_TRY(id, Call::number(call.parts[0], "device_id"));
  PARLEY_CO_TRY(devices, co_await call.services().users.devices(call.who.user));
  if (std::ranges::find(devices, DeviceId(id), &DeviceView::device) == devices.end())
    co_return fail(Code::not_found, "you have no such device", "device_id");
  PARLEY_CO_TRY_VOID(co_await call.services().auth.sign_out(call.who.user, DeviceId(id)));
  co_return done();
}

}  // namespace

std::vector<Route> account_routes() {
  using enum Route::Access;
  return {
      {"POST", "/v1/signup", "signUp", anyone, sign_up},
      {"POST", "/v1/signin", "signIn", anyone, sign_in},
      {"POST", "/v1/refresh", "refresh", anyone, refresh},
      {"POST", "/v1/signout", "signOut", signed_in, sign_out},
      {"GET", "/v1/devices", "listDevices", signed_in, list_devices},
      {"DELETE", "/v1/devices/{device_id}", "removeDevice", signed_in, remove_device},
  };
}

}  // namespace parley::gateway::rest
