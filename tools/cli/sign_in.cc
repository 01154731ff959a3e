#include "cli/commands.h"
#include "cli/password.h"
#include "cli/sign_on.h"

namespace parley::cli {
namespace {

struct Options {
  std::string name, device = device_name();
  bool password_stdin = false;
};

Awaitable<Outcome<void>> sign_in(Context& context, Options options) {
  auto server = context.endpoint();
  if (!server) co_return std::unexpected(server.error());
  if (auto free = check_profile_free(context, options.name, *server); !free) co_return free;
  auto password = read_password(options.password_stdin, false);
  if (!password) co_return std::unexpected(password.error());
  v1::SignInRequest request;
  request.set_name(options.name);
  request.set_password(*password);
  request.set_device_name(options.device);
  v1::Tokens tokens;
  auto done = co_await client::http_call(
      *server, {.method = "POST", .target = "/v1/signin", .body = &request}, &tokens);
  if (!done) co_return done;
  co_return co_await keep_tokens(context, *server, std::move(tokens));
}

}  // namespace

void add_sign_in(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("sign-in", "Sign in; the server and the account are remembered");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "User name")->required();
  command->add_option("--device", options->device, "The name of this device");
  command->add_flag("--password-stdin", options->password_stdin,
                    "Read the password from standard input");
  command->footer(
      "Examples:\n"
      "  parley sign-in ana\n"
      "  parley sign-in ana --server 127.0.0.1:7070\n"
      "  parley sign-in ana --profile work    # a second account or server beside the first");
  command->callback([&context, options] {
    context.command = [&context, options] { return sign_in(context, *options); };
  });
}

}  // namespace parley::cli
