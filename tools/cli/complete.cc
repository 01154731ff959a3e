#include "cli/complete.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

#include "cli/commands.h"
#include "client/account.h"
#include "client/default_profile.h"

namespace parley::cli {
namespace {

/// A word as the shell passes it, without what quotes it.
std::string unquoted(std::string_view word) {
  std::string out;
  for (const char c : word)
    if (c != '\\' && c != '\'' && c != '"') out += c;
  return out;
}

/// Its options, and those of its option groups.
void collect(const CLI::App& app, std::vector<const CLI::Option*>& options) {
  for (const auto* option : app.get_options()) options.push_back(option);
  for (const auto* part : app.get_subcommands([](const CLI::App*) { return true; }))
    if (part->get_name().empty() || part->get_name() == "from") collect(*part, options);
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* one) {
    return !one->get_name().empty() && one->get_group() != "" && one->get_name() != "from";
  });
}

const CLI::Option* option_called(const std::vector<const CLI::Option*>& options,
                                 const std::string& word) {
  for (const auto* option : options)
    for (const auto& name : option->get_lnames())
      if (word == "--" + name) return option;
  return nullptr;
}

std::vector<std::string> values_of(const CLI::Option& option, const CLI::App& app,
                                   const KnownNames& names) {
  const auto name = option.get_positional() ? option.get_name(true) : option.get_name();
  if (name == "PROFILE" || name == "--profile") return names.profiles;
  if (name == "GROUP") return names.groups;
  if (name == "ROLE") return {"member", "admin", "owner"};
  if (name == "SHELL") return {"bash", "zsh"};
  if (name != "NAME" && name != "NAMES") return {};
  auto values = names.people;
  const bool within_group = app.get_parent() && app.get_parent()->get_name() == "group";
  if (!within_group && app.get_name() != "find")
    for (const auto& group : names.groups) values.push_back("#" + group);
  return values;
}

}  // namespace

KnownNames known_names(const std::string& profile) {
  KnownNames names;
  const auto folder = client::state_folder();
  names.profiles = client::Account::list(folder);
  auto chosen = profile.empty() ? client::default_profile(folder) : profile;
  if (chosen.empty() && names.profiles.size() == 1) chosen = names.profiles.front();
  const auto account = client::Account::load(folder, chosen);
  if (!account) return names;  // none: nobody is known
  for (const auto& [conversation, title] : account->state().titles())
    if (conversation.starts_with("g:") && title.starts_with('#'))
      names.groups.push_back(title.substr(1));
    else if (conversation.starts_with("d:") && title.find(' ') == std::string::npos)
      names.people.push_back(title);
  std::ranges::sort(names.people);
  std::ranges::sort(names.groups);
  return names;
}

std::vector<std::string> complete(const CLI::App& app, std::vector<std::string> words,
                                  const KnownNames& names) {
  if (words.empty()) words.emplace_back();
  const auto last = unquoted(words.back());
  words.pop_back();
  const CLI::App* at = &app;
  std::vector<const CLI::Option*> options;
  collect(*at, options);
  const CLI::Option* awaited = nullptr;  // an option that the last word is the value of
  std::size_t placed = 0;                // positional words so far
  for (const auto& word : words) {
    if (std::exchange(awaited, nullptr)) continue;
    if (word.starts_with("--")) {
      const auto* option = option_called(options, word);
      if (option && option->get_items_expected_max() > 0) awaited = option;
      continue;
    }
    const auto commands = commands_of(*at);
    const auto next =
        std::ranges::find(commands, word, [](const auto* one) { return one->get_name(); });
    if (next == commands.end()) {
      ++placed;
      continue;
    }
    at = *next;
    placed = 0;
    collect(*at, options);
  }

  std::vector<std::string> all;
  if (awaited) {
    all = values_of(*awaited, *at, names);
  } else if (last.starts_with('-')) {
    for (const auto* option : options)
      for (const auto& name : option->get_lnames()) all.push_back("--" + name);
  } else {
    for (const auto* command : commands_of(*at)) all.push_back(command->get_name());
    std::vector<const CLI::Option*> places;
    for (const auto* option : at->get_options())
      if (option->get_positional()) places.push_back(option);
    if (!places.empty()) {
      const auto index = std::min(placed, places.size() - 1);
      if (index == placed || places[index]->get_items_expected_max() > 1)
        std::ranges::copy(values_of(*places[index], *at, names), std::back_inserter(all));
    }
  }
  std::erase_if(all, [&](const auto& one) { return !one.starts_with(last); });
  std::ranges::sort(all);
  const auto doubled = std::ranges::unique(all);
  all.erase(doubled.begin(), doubled.end());
  return all;
}

int print_candidates(const CLI::App& app, std::vector<std::string> words) {
  const char* chosen = std::getenv("PARLEY_PROFILE");
  std::string profile = chosen ? chosen : "";
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "--profile") profile = words[i + 1];
  for (const auto& candidate : complete(app, std::move(words), known_names(profile)))
    print_line(candidate);
  return 0;
}

}  // namespace parley::cli
