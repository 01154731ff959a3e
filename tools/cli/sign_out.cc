#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/text.h"
#include "client/default_profile.h"

namespace parley::cli {
namespace {

struct Options {
  bool all = false;
  bool force = false;
};

Awaitable<Outcome<void>> sign_out(Context& context, Options options) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  auto& account = (*api)->account();
  const auto waiting = static_cast<std::uint64_t>(account.state().outbox_size());
  if (waiting && !options.force)
    co_return client::failed(fmt::format(
        "{} not sent yet: `parley watch` sends what waits, `parley sign-out --force` drops it",
        waiting == 1 ? "1 message is" : fmt::format("{} messages are", waiting)));
  v1::SignOutRequest request;
  request.set_all_devices(options.all);
  auto done = co_await (*api)->call<v1::SignOutRequest>("POST", "/v1/signout", &request);
  // Signed out already, from another device: what is left is to forget it here.
  if (!done && done.error().code != "unauthenticated") co_return std::unexpected(done.error());
  const auto name = account.state().name();
  const auto folder = client::state_folder();
  if (client::default_profile(folder) == account.profile())
    if (auto none = client::set_default_profile(folder, {}); !none) co_return none;
  if (auto removed = account.remove(); !removed) co_return removed;
  if (!context.json)
    print_line(fmt::format("Signed out {}{}.", name, options.all ? " on all devices" : ""));
  co_return Outcome<void>{};
}

}  // namespace

void add_sign_out(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("sign-out", "Sign out this device, or all of them");
  auto options = std::make_shared<Options>();
  command->add_flag("--all", options->all, "All devices of the account");
  command->add_flag("--force", options->force,
                    "Even if messages wait to be sent: they are dropped");
  command->footer("Examples:\n  parley sign-out\n  parley sign-out --all --profile ana");
  command->callback([&context, options] {
    context.command = [&context, options] { return sign_out(context, *options); };
  });
}

}  // namespace parley::cli
