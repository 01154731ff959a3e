#include "cli/commands.h"
#include "cli/password.h"
#include "cli/sign_on.h"

namespace parley::cli {
namespace {

struct Options {
  std::string name, display_name, invite, device = device_name();
  bool password_stdin = false;
};

Awaitable<Outcome<void>> sign_up(Context& context, Options options) {
  auto server = context.endpoint();
  if (!server) co_return std::unexpected(server.error());
  if (auto free = check_profile_free(context, options.name, *server); !free) co_return free;
  auto password = read_password(options.password_stdin, true);
  if (!password) co_return std::unexpected(password.error());
  v1::SignUpRequest request;
  request.set_name(options.name);
  request.set_password(*password);
  request.set_display_name(options.display_name);
  request.set_device_name(options.device);
  request.set_invite(options.invite);
  v1::Tokens tokens;
  auto done = co_await client::http_call(
      *server, {.method = "POST", .target = "/v1/signup", .body = &request}, &tokens);
  if (!done) co_return done;
  co_return co_await keep_tokens(context, *server, std::move(tokens));
}

}  // namespace

void add_sign_up(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("sign-up", "Make an account and sign in with it");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "User name: 3 to 32 of a-z 0-9 _ .")->required();
  command->add_option("--display-name", options->display_name, "The name that others read");
  command->add_option("--invite", options->invite, "The invitation, where the server wants one");
  command->add_option("--device", options->device, "The name of this device");
  command->add_flag("--password-stdin", options->password_stdin,
                    "Read the password from standard input");
  command->footer(
      "Examples:\n"
      "  parley sign-up ana\n"
      "  parley sign-up ana --server chat.example.org:7070 --display-name 'Ana Ruiz'\n"
      "  pass show parley | parley sign-up ana --password-stdin");
  command->callback([&context, options] {
    context.command = [&context, options] { return sign_up(context, *options); };
  });
}

}  // namespace parley::cli
