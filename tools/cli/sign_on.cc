#include "cli/sign_on.h"

#include <fmt/format.h>
#include <unistd.h>

namespace parley::cli {

std::string device_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return fmt::format("parley on {}", host).substr(0, 64);
}

Outcome<void> check_profile_free(const Context& context, std::string name,
                                 const client::Endpoint& server) {
  // As the server folds user names.
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto profile = context.profile.empty() ? name : context.profile;
  const auto there = client::Account::load(client::state_folder(), profile);
  if (!there) return {};  // none, or one that is damaged and to be replaced
  const auto& state = there->state();
  if (state.server() == server.text() && state.name() == name) return {};
  return client::failed(fmt::format(
      "profile \"{}\" is signed in as {} at {}: sign out first (`parley sign-out --profile {}`) "
      "or choose another --profile",
      profile, state.name(), state.server(), profile));
}

Awaitable<Outcome<void>> keep_tokens(Context& context, client::Endpoint server, v1::Tokens tokens) {
  v1::Profile me;
  auto done = co_await client::http_call(
      server, {.method = "GET", .target = "/v1/me", .access_token = tokens.access_token()}, &me);
  if (!done) co_return done;
  client::AccountState state;
  state.set_server(server.text());
  state.set_ca(server.ca);
  state.set_name(me.name());
  *state.mutable_tokens() = std::move(tokens);
  const auto profile = context.profile.empty() ? me.name() : context.profile;
  // Signed in here before: what waits to be sent still does, and what was shown was.
  if (const auto before = client::Account::load(client::state_folder(), profile);
      before && before->user() == state.tokens().user_id()) {
    *state.mutable_outbox() = before->state().outbox();
    *state.mutable_shown() = before->state().shown();
  }
  auto account = client::Account::create(client::state_folder(), profile, std::move(state));
  if (!account) co_return std::unexpected(account.error());
  if (context.json)
    print_json(me);
  else
    print_line(
        fmt::format("Signed in as {} at {}.\nNext: parley open NAME", me.name(), server.text()));
  co_return Outcome<void>{};
}

}  // namespace parley::cli
