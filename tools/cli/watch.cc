#include <boost/asio/experimental/awaitable_operators.hpp>

#include "cli/commands.h"
#include "cli/line_views.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> watch(Context& context) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  auto conversations = co_await all_conversations(**api);
  if (!conversations) co_return std::unexpected(conversations.error());

  JsonView json;
  TextView text(context, people);
  std::optional<Live> live_;
  Focus view(context.json ? static_cast<LiveView&>(json) : text, {},
             [&](const std::string& id, std::uint64_t seq) { live_->note_shown(id, seq); });
  Live& live = live_.emplace(context, **api, view);
  const auto now = std::chrono::steady_clock::now();
  const auto& shown = (*api)->account().state().shown();
  for (const auto& conversation : *conversations) {
    const auto& id = conversation.conversation_id();
    const auto known = shown.find(id);
    live.session().track(id, known == shown.end() ? conversation.read() : known->second,
                         conversation.head(), client::Session::Acks::yes, now);
  }
  if (is_terminal_output() && !context.json)
    remark("Watching all conversations: what is unread, then live. ^C leaves.");
  Signals signals(context, live, [](int) {});
  const auto run = [&]() -> Awaitable<Outcome<void>> {
    auto done = co_await live.run();
    signals.cancel();
    co_return done;
  };
  using namespace boost::asio::experimental::awaitable_operators;
  co_return co_await (run() && signals.run());
}

}  // namespace

void add_watch(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("watch", "Print everything as it comes, in all conversations");
  command->footer(
      "Examples:\n"
      "  parley watch\n"
      "  parley watch --json | jq -r 'select(.entry) | .entry.body.text'\n"
      "\n"
      "Begins with what is unread, or where the last `parley watch` ended.");
  command->callback([&context] { context.command = [&context] { return watch(context); }; });
}

}  // namespace parley::cli
