#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/desk/desk.h"
#include "cli/text.h"

namespace parley::cli {

Awaitable<Outcome<void>> chat(Context& context, std::string place) {
  if (!is_terminal_output() || !isatty(STDIN_FILENO))
    co_return client::failed("the full-screen view needs a terminal; `parley open NAME` does not");
  for (;;) {
    auto api = context.sign_on();
    if (!api) co_return std::unexpected(api.error());
    auto next = co_await desk::Desk(context, **api).run(std::move(place));
    if (!next) co_return std::unexpected(std::move(next.error()));
    if (const auto& state = (*api)->account().state(); state.outbox_size())
      remark(fmt::format("{} of {} not sent yet: kept, and sent the next time",
                         counted(static_cast<std::uint64_t>(state.outbox_size()), "message"),
                         state.name()));
    if (next->empty()) co_return Outcome<void>{};
    context.profile = std::move(*next);
    context.server.clear();
    place.clear();
  }
}

void add_chat(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("chat", "The full-screen view; `parley` alone on a terminal is the same");
  auto place = std::make_shared<std::string>();
  command->add_option("NAME", *place, kPlaceHelp);
  command->footer(
      "Examples:\n"
      "  parley\n"
      "  parley chat bob\n"
      "  parley --profile work\n"
      "\n"
      "F1 lists keys and commands.");
  command->callback(
      [&context, place] { context.command = [&context, place] { return chat(context, *place); }; });
}

}  // namespace parley::cli
