#include <algorithm>
#include <fmt/format.h>

#include "cli/commands.h"
#include "client/default_profile.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> accounts(Context& context) {
  const auto folder = client::state_folder();
  const auto names = client::Account::list(folder);
  const auto chosen = names.size() == 1 ? names.front() : client::default_profile(folder);
  if (!context.json && names.empty())
    print_line("No account is signed in here: `parley sign-in NAME`.");
  else if (!context.json)
    print_line(fmt::format("  {:<20} {:<20} {:<24} {}", "PROFILE", "USER", "SERVER", "SIGNED IN"));
  for (const auto& name : names) {
    auto account = client::Account::load(folder, name);
    if (!account) {
      remark("parley: " + describe(account.error()));
      continue;
    }
    const auto& state = account->state();
    client::AccountRow row;
    row.set_profile(name);
    row.set_name(state.name());
    row.set_user_id(account->user());
    row.set_server(state.server());
    row.set_is_default(name == chosen);
    row.set_signed_in(state.tokens().refresh_expires_ms() > client::wall_ms());
    if (context.json)
      print_json(row);
    else
      print_line(fmt::format("{} {:<20} {:<20} {:<24} {}", row.is_default() ? "*" : " ", name,
                             row.name(), row.server(), row.signed_in() ? "yes" : "expired"));
  }
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> use(Context& context, std::string name) {
  const auto folder = client::state_folder();
  const auto names = client::Account::list(folder);
  if (std::ranges::find(names, name) == names.end())
    co_return client::failed(fmt::format(
        "no account \"{}\" is signed in here: `parley accounts` lists what there is", name));
  if (auto chosen = client::set_default_profile(folder, name); !chosen) co_return chosen;
  if (!context.json)
    print_line(fmt::format("From now on {}, where no --profile says otherwise.", name));
  co_return Outcome<void>{};
}

}  // namespace

void add_accounts(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("accounts", "List the accounts that are signed in here");
  command->footer("Example:\n  parley accounts");
  command->callback([&context] { context.command = [&context] { return accounts(context); }; });
}

void add_use(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("use", "Choose the account that commands are about");
  auto name = std::make_shared<std::string>();
  command->add_option("PROFILE", *name, "As `parley accounts` lists it")->required();
  command->footer("Example:\n  parley use work");
  command->callback(
      [&context, name] { context.command = [&context, name] { return use(context, *name); }; });
}

}  // namespace parley::cli
