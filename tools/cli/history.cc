#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/people.h"
#include "cli/text.h"

namespace parley::cli {
namespace {

struct Options {
  std::string name, time;
  std::optional<std::uint64_t> before, after, around;
  std::uint32_t limit = 50;
};

Outcome<std::string> query_of(const Options& options) {
  if (options.before) return fmt::format("before={}", *options.before);
  if (options.after) return fmt::format("after={}", *options.after);
  if (options.around) return fmt::format("around={}", *options.around);
  if (options.time.empty()) return "before=0";
  const auto time = parse_time(options.time);
  if (!time)
    return client::failed(
        fmt::format("\"{}\" is not a time: give \"2026-03-01 14:02\", \"2026-03-01\" or \"14:02\"",
                    options.time));
  return fmt::format("around_time={}", *time);
}

Awaitable<Outcome<void>> history(Context& context, Options options) {
  auto query = query_of(options);
  if (!query) co_return std::unexpected(query.error());
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  auto place = co_await people.resolve(options.name);
  if (!place) co_return std::unexpected(place.error());
  auto page = co_await (*api)->call<v1::History>(
      "GET", fmt::format("/v1/conversations/{}/messages?{}&limit={}",
                         client::url_escape(place->conversation), *query, options.limit));
  if (!page) co_return std::unexpected(page.error());
  if (context.json) {
    for (auto& entry : *page->mutable_entries()) {
      v1::ServerFrame frame;
      *frame.mutable_entry() = std::move(entry);
      print_frame(frame);
    }
    co_return Outcome<void>{};
  }
  if (page->entries().empty()) print_line("Nothing there.");
  for (const auto& entry : page->entries())
    print_line(fmt::format("#{:<5} {}  {}: {}", entry.seq(), date_time(entry.time_ms()),
                           co_await people.name_of(entry.sender()),
                           co_await people.words_of(entry)));
  if (page->more_before())
    remark(fmt::format("There is more before: --before {}", page->entries(0).seq()));
  if (page->more_after())
    remark(fmt::format("There is more after: --after {}",
                       page->entries(page->entries_size() - 1).seq()));
  co_return Outcome<void>{};
}

}  // namespace

void add_history(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("history", "Print a page of a conversation's messages");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, kPlaceHelp)->required();
  auto* from = command->add_option_group("from", "Which page; without any, the newest");
  from->add_option("--before", options->before, "The last ones before this number");
  from->add_option("--after", options->after, "The first ones after this number");
  from->add_option("--around", options->around, "Half a page on each side of this number");
  from->add_option("--time", options->time, "Around this time");
  from->require_option(0, 1);
  command->add_option("--limit", options->limit, "How many at most")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  parley history bob\n"
      "  parley history bob --before 120 --limit 20\n"
      "  parley history bob --time '2026-03-01 14:00'\n"
      "  parley history bob --json | jq -r .entry.body.text");
  command->callback([&context, options] {
    context.command = [&context, options] { return history(context, *options); };
  });
}

}  // namespace parley::cli
