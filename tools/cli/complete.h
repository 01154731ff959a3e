#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace parley::cli {

/// What words may be completed to, besides commands and options.
struct KnownNames {
  std::vector<std::string> profiles;
  std::vector<std::string> people;
  std::vector<std::string> groups;  // titles, without #
};
/// From the state files, without asking a server.
KnownNames known_names(const std::string& profile);

/// The candidates for the last of the words that were typed after the program's name. Pure.
std::vector<std::string> complete(const CLI::App& app, std::vector<std::string> words,
                                  const KnownNames& names);

/// `parley complete WORDS...`, which the scripts of `parley completion` call: candidates, one a
/// line.
int print_candidates(const CLI::App& app, std::vector<std::string> words);

}  // namespace parley::cli
