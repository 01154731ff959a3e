#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/show_profile.h"

namespace parley::cli {
namespace {

struct Options {
  std::optional<std::string> name, display_name, about;
};

Awaitable<Outcome<void>> me(Context& context, Options options) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  v1::UpdateProfileRequest change;
  if (options.name) change.set_name(*options.name);
  if (options.display_name) change.set_display_name(*options.display_name);
  if (options.about) change.set_about(*options.about);
  const bool changes = options.name || options.display_name || options.about;
  auto profile = changes ? co_await (*api)->call<v1::Profile>("PATCH", "/v1/me", &change)
                         : co_await (*api)->call<v1::Profile>("GET", "/v1/me");
  if (!profile) co_return std::unexpected(profile.error());
  if (options.name) {
    auto kept = (*api)->account().update(
        [&](client::AccountState& state) { state.set_name(profile->name()); });
    if (!kept) co_return kept;
  }
  show_profile(*profile, context.json);
  if (!context.json) print_line(fmt::format("server        {}", (*api)->server().text()));
  co_return Outcome<void>{};
}

}  // namespace

void add_me(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("me", "Show your profile, or change it");
  auto options = std::make_shared<Options>();
  command->add_option("--name", options->name, "A new user name");
  command->add_option("--display-name", options->display_name, "The name that others read");
  command->add_option("--about", options->about, "A line about you");
  command->footer(
      "Examples:\n  parley me\n  parley me --display-name 'Ana Ruiz' --about 'at the harbour'");
  command->callback([&context, options] {
    context.command = [&context, options] { return me(context, *options); };
  });
}

}  // namespace parley::cli
