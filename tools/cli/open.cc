#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/chat_view.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/text.h"

namespace parley::cli {
namespace {

struct Options {
  std::string name;
  std::uint32_t limit = 30;
};

/// What the conversation looks like before it goes live.
struct Opening {
  v1::History page;
  v1::Conversation state;
};

bool is_new(const Failure& failure) { return failure.code == "not_found"; }

Awaitable<Outcome<Opening>> opening_of(client::Api& api, std::string conversation,
                                       std::uint32_t limit) {
  const auto target = "/v1/conversations/" + client::url_escape(conversation);
  Opening opening;
  auto state = co_await api.call<v1::Conversation>("GET", target);
  if (!state && !is_new(state.error())) co_return std::unexpected(state.error());
  if (state) opening.state = std::move(*state);
  auto page =
      co_await api.call<v1::History>("GET", fmt::format("{}/messages?limit={}", target, limit));
  if (!page && !is_new(page.error())) co_return std::unexpected(page.error());
  if (page) opening.page = std::move(*page);
  co_return opening;
}

std::uint64_t last_seq(const v1::History& page) {
  return page.entries().empty() ? page.head() : page.entries(page.entries_size() - 1).seq();
}

/// The open conversation from the end of its opening page on; the others from where they are now.
void track_all(client::Session& session, const std::vector<v1::Conversation>& all,
               const std::string& conversation, const Opening& opening) {
  using Acks = client::Session::Acks;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& other : all)
    session.track(other.conversation_id(), other.head(), other.head(),
                  other.delivered() >= other.head() ? Acks::yes : Acks::no, now);
  const auto shown = last_seq(opening.page);
  session.track(conversation, shown, std::max(shown, opening.state.head()), Acks::yes, now);
}

/// A terminal, a view that redraws ticks, lines typed.
Awaitable<Outcome<void>> talk(Context& context, client::Api& api, People& people,
                              People::Place place, Opening opening,
                              std::vector<v1::Conversation> all) {
  ChatView view(context, people, place);
  Live live(context, api, view);
  track_all(live.session(), all, place.conversation, opening);
  RawTerminal terminal;
  view.on_shown([&](std::uint64_t seq) {
    live.read(place.conversation, seq);
    live.note_shown(place.conversation, seq);
  });
  co_await view.show_history(opening.page, opening.state);
  if (place.peer && place.peer != people.self()) live.session().watch({place.peer});
  for (const auto& item : api.account().state().outbox())
    if (item.conversation_id() == place.conversation) view.show_pending(item);
  for (const auto& other : all)
    if (other.unread() && other.conversation_id() != place.conversation)
      view.show_note(fmt::format("{} in {}", counted(other.unread(), "unread message"),
                                 co_await people.title_of(other.conversation_id())));
  if (const auto seq = last_seq(opening.page)) {
    live.note_shown(place.conversation, seq);
    if (seq > opening.state.read()) live.read(place.conversation, seq);
  }

  Input input(context.io());
  Signals signals(context, live, [&](int signal) {
    if (signal == SIGCONT) terminal.enter();
    if (signal == SIGCONT || signal == SIGWINCH)
      view.resize();
    else
      terminal.leave();
  });
  const auto type = [&]() -> Awaitable<void> {
    while (!live.stopped()) {
      auto keys = co_await input.read_some();
      auto typed = keys ? view.type(*keys) : LineEditor::Result{.lines = {}, .leave = true};
      if (typed.lines.empty() && keys && !typed.leave) live.typing(place.conversation);
      for (const auto& line : typed.lines) {
        if (line.find_first_not_of(" \n") == std::string::npos) continue;
        auto item = live.send(place.conversation, line);
        if (item)
          view.show_pending(*item);
        else
          view.on_trouble(item.error());
      }
      if (typed.leave) live.stop();
    }
  };
  const auto run = [&]() -> Awaitable<Outcome<void>> {
    auto done = co_await live.run();
    signals.cancel();
    input.close();
    co_return done;
  };
  using namespace boost::asio::experimental::awaitable_operators;
  auto done = co_await (run() && type() && signals.run());
  view.leave();
  terminal.leave();
  if (const auto waiting = static_cast<std::uint64_t>(api.account().state().outbox_size()))
    remark(
        fmt::format("{} not sent yet: kept, and sent by the next `parley open`, `send` or `watch`",
                    waiting == 1 ? "1 message is" : fmt::format("{} messages are", waiting)));
  co_return done;
}

/// Lines in, lines out: history, then live; ends when the input ends and all of it is acknowledged.
Awaitable<Outcome<void>> pipe(Context& context, client::Api& api, People& people,
                              People::Place place, Opening opening,
                              std::vector<v1::Conversation> all) {
  JsonView json;
  TextView text(context, people);
  std::optional<Live> live_;
  Focus view(context.json ? static_cast<LiveView&>(json) : text, place.conversation,
             [&](const std::string& id, std::uint64_t seq) {
               live_->read(id, seq);
               live_->note_shown(id, seq);
             });
  Live& live = live_.emplace(context, api, view);
  track_all(live.session(), all, place.conversation, opening);
  for (const auto& entry : opening.page.entries()) view.on_entry(entry);

  Input input(context.io());
  Signals signals(context, live, [](int) {});
  const auto send_lines = [&]() -> Awaitable<void> {
    while (auto line = co_await input.read_line()) {
      if (line->empty()) continue;
      auto item = live.send(place.conversation, *line);
      if (!item) view.on_trouble(item.error());
    }
    co_await live.stop_when_idle();
  };
  const auto run = [&]() -> Awaitable<Outcome<void>> {
    auto done = co_await live.run();
    signals.cancel();
    input.close();
    co_return done;
  };
  using namespace boost::asio::experimental::awaitable_operators;
  auto done = co_await (run() && send_lines() && signals.run());
  if (done && view.refused()) co_return std::unexpected(*view.refused());
  co_return done;
}

Awaitable<Outcome<void>> open(Context& context, Options options) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  auto place = co_await people.resolve(options.name);
  if (!place) co_return std::unexpected(place.error());
  auto all = co_await all_conversations(**api);
  if (!all) co_return std::unexpected(all.error());
  auto opening = co_await opening_of(**api, place->conversation, options.limit);
  if (!opening) co_return std::unexpected(opening.error());
  const bool terminal = is_terminal_output() && isatty(STDIN_FILENO) && !context.json;
  if (terminal)
    co_return co_await talk(context, **api, people, *place, std::move(*opening), std::move(*all));
  co_return co_await pipe(context, **api, people, *place, std::move(*opening), std::move(*all));
}

}  // namespace

void add_open(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("open", "Talk: history, then live; what you type is sent");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, kPlaceHelp)->required();
  command->add_option("--limit", options->limit, "How many messages of history")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  parley open bob\n"
      "  parley open '#sailing'\n"
      "  printf 'one\\ntwo\\n' | parley open bob    # sends both lines, waits until they are "
      "stored, ends\n"
      "\n"
      "Ticks:  … on its way   ✓ sent (stored)   ✓✓ delivered   ✓✓ read\n"
      "Lines that were typed are kept until the server has them, through a lost connection and "
      "through a crash.");
  command->callback([&context, options] {
    context.command = [&context, options] { return open(context, *options); };
  });
}

}  // namespace parley::cli
