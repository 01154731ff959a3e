#include <boost/asio/co_spawn.hpp>
#include <clocale>
#include <csignal>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/complete.h"

namespace {

using namespace parley::cli;

/// 0: done. 1: it did not work, and standard error says why. 2: wrong usage.
int run(Context& context) {
  int status = 1;
  // The command is called once and its frame lives until it is through.
  boost::asio::co_spawn(context.io(), context.command(),
                        [&](std::exception_ptr thrown, Outcome<void> done) {
                          if (thrown) std::rethrow_exception(thrown);
                          if (done)
                            status = 0;
                          else
                            remark("parley: " + describe(done.error()));
                        });
  context.io().run();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Columns of characters, and times, as the person's locale says; UTF-8 in any case.
  std::setlocale(LC_TIME, "");
  if (!std::setlocale(LC_CTYPE, "C.UTF-8")) std::setlocale(LC_CTYPE, "");

  Context context;
  context.json = !isatty(STDOUT_FILENO);
  CLI::App app("Parley's command-line client.", "parley");
  app.set_version_flag("--version", "parley 0.1.0");
  app.require_subcommand(0, 1);
  app.fallthrough();
  app.add_option("--server", context.server,
                 fmt::format("host:port, or https://host:port; remembered after signing in [{}]",
                             parley::client::kDefaultServer));
  app.add_option("--ca", context.ca,
                 "PEM file of the certificates to trust at an https:// server, instead of the "
                 "system's; remembered after signing in")
      ->envname("PARLEY_CA")
      ->check(CLI::ExistingFile);
  app.add_option("--profile", context.profile,
                 "Which account, where several are signed in on this machine")
      ->envname("PARLEY_PROFILE");
  app.add_option("--transport", context.transport,
                 "websocket, or http: for networks that break WebSockets [websocket]")
      ->envname("PARLEY_TRANSPORT")
      ->check(CLI::IsMember({"websocket", "http"}));
  app.add_flag(
      "--json,!--text", context.json,
      "One JSON object a line (the default where standard output is no terminal), or text");
  app.footer(
      "A first talk:\n"
      "  parley sign-up ana\n"
      "  parley open bob                # history, then live; type a line to send it\n"
      "  parley send bob 'on my way'\n"
      "  parley group create sailing bob cat && parley open '#sailing'\n"
      "  parley                         # all of it in full screen\n"
      "  parley watch                   # everything, as it comes\n"
      "\n"
      "`parley COMMAND --help` has examples. Exit status: 0 done, 1 failed, 2 wrong usage.");
  add_sign_up(app, context);
  add_sign_in(app, context);
  add_sign_out(app, context);
  add_me(app, context);
  add_devices(app, context);
  add_find(app, context);
  add_conversations(app, context);
  add_groups(app, context);
  add_group(app, context);
  add_send(app, context);
  add_open(app, context);
  add_history(app, context);
  add_watch(app, context);
  add_chat(app, context);
  add_accounts(app, context);
  add_use(app, context);
  add_completion(app, context);
  // For the scripts of `completion`: its words may be anything, so they are not parsed.
  if (argc > 1 && std::string_view(argv[1]) == "complete")
    return print_candidates(app, {argv + 2, argv + argc});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!context.command && is_terminal_output() && isatty(STDIN_FILENO))
    context.command = [&context] { return chat(context, {}); };
  if (!context.command) {
    fmt::print("{}", app.help());
    return 2;
  }
  return run(context);
}
