#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::cli::desk {

/// A typed line that begins with `/`, in words; `"two words"` are one. Empty: a quotation mark is
/// missing.
std::optional<std::vector<std::string>> words_of(std::string_view line);

/// A command of the input line.
struct Command {
  std::string_view name;       // without the slash
  std::string_view arguments;  // as the help has them
  std::string_view what;
  std::size_t least, most;  // how many words follow
  bool in_group;            // only there
};

/// By its name or the beginning of it, if no other one begins so.
const Command* command_called(std::string_view name);

/// Keys and commands, line by line.
std::vector<std::string> help();

}  // namespace parley::cli::desk
