#pragma once
#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace parley::cli {

/// Each adds one command, in a file of its name.
void add_sign_up(CLI::App& app, Context& context);
void add_sign_in(CLI::App& app, Context& context);
void add_sign_out(CLI::App& app, Context& context);
void add_me(CLI::App& app, Context& context);
void add_devices(CLI::App& app, Context& context);
void add_find(CLI::App& app, Context& context);
void add_groups(CLI::App& app, Context& context);
void add_group(CLI::App& app, Context& context);
void add_conversations(CLI::App& app, Context& context);
void add_send(CLI::App& app, Context& context);
void add_open(CLI::App& app, Context& context);
void add_history(CLI::App& app, Context& context);
void add_watch(CLI::App& app, Context& context);
void add_chat(CLI::App& app, Context& context);
void add_accounts(CLI::App& app, Context& context);
void add_use(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

/// The full-screen view, with `place` open; empty: none.
Awaitable<Outcome<void>> chat(Context& context, std::string place);

}  // namespace parley::cli
