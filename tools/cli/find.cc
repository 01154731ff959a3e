#include "cli/commands.h"
#include "cli/people.h"
#include "cli/show_profile.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> find(Context& context, std::string name) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  auto found = co_await people.find(std::move(name));
  if (!found) co_return std::unexpected(found.error());
  show_profile(*found, context.json);
  co_return Outcome<void>{};
}

}  // namespace

void add_find(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("find", "Find a person by user name");
  auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "User name")->required();
  command->footer("Example:\n  parley find bob");
  command->callback(
      [&context, name] { context.command = [&context, name] { return find(context, *name); }; });
}

}  // namespace parley::cli
