#include <boost/asio.hpp>

#include "parley/v1/rest.pb.h"
#include "services/gateway/rest/call.h"

// People: oneself and others.
namespace parley::gateway::rest {
namespace {

void to_proto(const ProfileView& profile, v1::Profile& out) {
  out.set_user_id(profile.user.value);
  out.set_name(profile.name);
  out.set_display_name(profile.display_name);
  out.set_about(profile.about);
  out.set_created_ms(profile.created.value);
}

net::HttpResponse answer_with(const ProfileView& profile) {
  v1::Profile out;
  to_proto(profile, out);
  return json(out);
}

Awaitable<Answer> get_me(Call& call) {
  PARLEY_CO_TRY(profile, co_await call.services().users.profile(call.who.user));
  co_return answer_with(profile);
}

Awaitable<Answer> update_me(Call& call) {
  v1::UpdateProfileRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  ProfileChange change;
  if (body.has_name()) change.name = body.name();
  if (body.has_display_name()) change.display_name = body.display_name();
  if (body.has_about()) change.about = body.about();
  PARLEY_CO_TRY(profile, co_await call.services().users.update(call.who.user, std::move(change)));
  co_return answer_with(profile);
}

Awaitable<Answer> find_users(Call& call) {
  const auto name = call.text("name");
  if (name.empty()) co_return fail(Code::invalid_argument, "which name?", "name");
  auto found = co_await call.services().users.find(std::string(name));
  v1::Users out;
  if (found)
    to_proto(*found, *out.add_users());
  else if (found.error().code != Code::not_found)
    co_return std::unexpected(std::move(found).error());
  co_return json(out);
}

Awaitable<Answer> get_user(Call& call) {
  PARLEY_CO_TRY(id, Call::number(call.parts[0], "user_id"));
  PARLEY_CO_TRY(profile, co_await call.services().users.profile(UserId(id)));
  co_return answer_with(profile);
}

}  // namespace

std::vector<Route> profile_routes() {
  using enum Route::Access;
  return {
      {"GET", "/v1/me", "getMe", signed_in, get_me},
      {"PATCH", "/v1/me", "updateMe", signed_in, update_me},
      {"GET", "/v1/users", "findUsers", signed_in, find_users},
      {"GET", "/v1/users/{user_id}", "getUser", signed_in, get_user},
  };
}

}  // namespace parley::gateway::rest
