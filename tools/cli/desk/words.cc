#include "cli/desk/words.h"

#include <array>
#include <fmt/format.h>

namespace parley::cli::desk {
namespace {

constexpr std::size_t kAny = 256;

constexpr std::array kCommands{
    Command{"new", "NAME", "talk to a person, or in a group (#sailing)", 1, 1, false},
    Command{"group", "TITLE NAME...", "make a group", 1, kAny, false},
    Command{"members", "", "who is in this group", 0, 0, true},
    Command{"rename", "TITLE", "change the group's title", 1, kAny, true},
    Command{"add", "NAME...", "add members", 1, kAny, true},
    Command{"remove", "NAME...", "remove members", 1, kAny, true},
    Command{"role", "NAME ROLE", "member, admin, or owner: gives the group away", 2, 2, true},
    Command{"leave", "", "leave the group", 0, 0, true},
    Command{"dissolve", "", "end the group for everybody", 0, 0, true},
    Command{"go", "NUMBER | TIME", "jump to a message: 120, 14:02, 2026-03-01 14:02", 1, 2, false},
    Command{"newest", "", "back to the newest message", 0, 0, false},
    Command{"find", "WORDS", "search the list of conversations", 1, kAny, false},
    Command{"accounts", "", "the accounts that are signed in here", 0, 0, false},
    Command{"account", "NAME", "go to another one", 1, 1, false},
    Command{"help", "", "this page", 0, 0, false},
    Command{"quit", "", "leave", 0, 0, false},
};

}  // namespace

std::optional<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false, quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
      if (!inside) words.emplace_back();
      inside = true;
    } else if ((c == ' ' || c == '\n') && !quoted) {
      inside = false;
    } else {
      if (!inside) words.emplace_back();
      inside = true;
      words.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return words;
}

const Command* command_called(std::string_view name) {
  const Command* found = nullptr;
  for (const auto& command : kCommands) {
    if (command.name == name) return &command;
    if (name.empty() || !command.name.starts_with(name)) continue;
    if (found) return nullptr;
    found = &command;
  }
  return found;
}

std::vector<std::string> help() {
  std::vector<std::string> lines{
      "",
      " Type a line and press Enter to send it.  …  on its way   ✓ sent (stored)",
      " ✓✓ delivered   ✓✓ read (in a group: by how many)",
      "",
      " Tab            the list: ↑ ↓ choose, Enter opens, Esc goes back",
      " ^F             search the list",
      " ^N  ^P         the next and the previous conversation (also Alt-↓, Alt-↑)",
      " ↑ ↓ PgUp PgDn  scroll;  End or Esc: the newest",
      " ^A ^E ^U ^K ^W edit the line",
      " ^L             paint again;  ^Z stop for a while;  ^C leave",
      "",
  };
  for (const auto& command : kCommands)
    lines.push_back(fmt::format(
        " {:<22} {}", fmt::format("/{} {}", command.name, command.arguments), command.what));
  lines.push_back("");
  lines.push_back(
      " A title of several words stands in quotation marks: /group \"Sea trip\" bob cat");
  lines.push_back(" A line that is to begin with a slash begins with two.");
  return lines;
}

}  // namespace parley::cli::desk
