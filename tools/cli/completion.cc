#include "cli/commands.h"

namespace parley::cli {
namespace {

constexpr char kBash[] = R"(# Completion of parley's commands, options and names for bash.
_parley() {
  local i
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for i in "${!COMPREPLY[@]}"; do
    printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]}"
  done
}
complete -F _parley parley
)";

constexpr char kZsh[] = R"(#compdef parley
# Completion of parley's commands, options and names for zsh.
_parley() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _parley "$@"
else
  compdef _parley parley
fi
)";

}  // namespace

void add_completion(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("completion", "Print a script that completes commands and names");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->footer(
      "Examples:\n"
      "  parley completion bash > ~/.local/share/bash-completion/completions/parley\n"
      "  parley completion zsh > ~/.zfunc/_parley    # a folder of $fpath\n"
      "  source <(parley completion bash)            # for this shell only");
  command->callback([&context, shell] {
    context.command = [shell]() -> Awaitable<Outcome<void>> {
      print_line(*shell == "bash" ? kBash : kZsh);
      co_return Outcome<void>{};
    };
  });
}

}  // namespace parley::cli
