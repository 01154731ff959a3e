#include <fmt/format.h>
#include <iostream>
#include <iterator>

#include "cli/commands.h"
#include "cli/flush.h"
#include "cli/people.h"

namespace parley::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> words;
};

std::string text_of(const std::vector<std::string>& words) {
  if (words != std::vector<std::string>{"-"}) return fmt::format("{}", fmt::join(words, " "));
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Awaitable<Outcome<void>> send(Context& context, Options options) {
  const auto text = text_of(options.words);
  if (text.empty()) co_return client::failed("there is nothing to send: the text is empty");
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  auto place = co_await people.resolve(options.name);
  if (!place) co_return std::unexpected(place.error());

  client::Outbox outbox((*api)->account());
  auto item = outbox.add(place->conversation, text);
  if (!item) co_return std::unexpected(item.error());
  auto flushed = co_await flush_outbox(**api, outbox);
  if (!flushed) {
    flushed.error().message +=
        "; the message is kept, and sent by the next `parley send`, `open` or `watch`";
    co_return std::unexpected(std::move(flushed.error()));
  }
  if (const auto refused = flushed->refused.find(item->client_message_id());
      refused != flushed->refused.end())
    co_return std::unexpected(refused->second);
  const auto& sent = flushed->sent[item->client_message_id()];
  if (context.json) {
    v1::ServerFrame frame;
    *frame.mutable_result()->mutable_sent() = sent;
    print_frame(frame);
  } else {
    print_line(fmt::format("✓ sent to {} (#{})", place->title, sent.seq()));
  }
  co_return Outcome<void>{};
}

}  // namespace

void add_send(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("send", "Send one message");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, kPlaceHelp)->required();
  command->add_option("TEXT", options->words, "The message; - reads it from standard input")
      ->required();
  command->footer(
      "Examples:\n"
      "  parley send bob Lunch at one?\n"
      "  parley send d:7:42 'the tide turns at 14:02'\n"
      "  uptime | parley send bob -\n"
      "\n"
      "The message is written to the outbox first: whatever happens, it is neither lost nor sent "
      "twice.");
  command->callback([&context, options] {
    context.command = [&context, options] { return send(context, *options); };
  });
}

}  // namespace parley::cli
