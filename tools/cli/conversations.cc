#include <algorithm>
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/people.h"
#include "cli/text.h"
#include "cli/titles.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> conversations(Context& context) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  auto all = co_await all_conversations(**api);
  if (!all) co_return std::unexpected(all.error());
  std::ranges::sort(*all, std::greater(), &v1::Conversation::changed_ms);
  People people(**api);
  if (!context.json && all->empty())
    print_line("No conversations yet. `parley open NAME` begins one.");
  else if (!context.json)
    print_line(fmt::format("{:<24} {:>6}  {}", "WITH", "UNREAD", "LAST CHANGE"));
  std::map<std::string, std::string> titles;
  for (auto& conversation : *all) {
    const auto name = co_await people.title_of(conversation.conversation_id());
    titles[conversation.conversation_id()] = name == "you" ? "notes to yourself" : name;
    if (context.json) {
      client::ConversationRow row;
      row.set_name(name);
      *row.mutable_conversation() = std::move(conversation);
      print_json(row);
      continue;
    }
    print_line(fmt::format("{:<24} {:>6}  {}", name == "you" ? "notes to yourself" : name,
                           conversation.unread() ? std::to_string(conversation.unread()) : "",
                           when(conversation.changed_ms())));
  }
  co_return remember_titles((*api)->account(), titles);
}

}  // namespace

void add_conversations(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("conversations", "List your conversations, the latest first");
  command->footer(
      "Examples:\n"
      "  parley conversations\n"
      "  parley conversations --json | jq -r 'select(.conversation.unread != \"0\") | .name'");
  command->callback(
      [&context] { context.command = [&context] { return conversations(context); }; });
}

}  // namespace parley::cli
