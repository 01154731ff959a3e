#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/people.h"
#include "cli/show_group.h"
#include "cli/text.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> groups(Context& context) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  auto all = co_await all_groups(**api);
  if (!all) co_return std::unexpected(all.error());
  if (!context.json && all->empty())
    print_line("You are in no group. `parley group create TITLE NAME...` makes one.");
  else if (!context.json)
    print_line(
        fmt::format("{:<28} {:>7}  {:<7} {}", "TITLE", "MEMBERS", "YOU ARE", "CONVERSATION"));
  for (const auto& group : *all) {
    if (context.json)
      print_json(group);
    else
      print_line(fmt::format("{:<28} {:>7}  {:<7} {}", "#" + printable(group.title()),
                             group.members(), word_of(group.role()), group.conversation_id()));
  }
  co_return Outcome<void>{};
}

}  // namespace

void add_groups(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("groups", "List the groups that you are in");
  command->footer("Example:\n  parley groups");
  command->callback([&context] { context.command = [&context] { return groups(context); }; });
}

}  // namespace parley::cli
