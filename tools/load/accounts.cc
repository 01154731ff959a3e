#include "accounts.h"

#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <simdjson.h>
#include <stdexcept>
#include <unordered_map>

namespace parley::load {
namespace {

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0)
    throw std::runtime_error(fmt::format("'{}' is not an id", text));
  return value;
}

}  // namespace

std::vector<Account> read_accounts(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(fmt::format("{}: cannot be read", file));
  std::vector<Account> accounts;
  std::unordered_map<std::uint64_t, std::size_t> by_user;
  simdjson::dom::parser parser;
  std::string line;
  for (std::size_t n = 1; std::getline(in, line); ++n) {
    if (line.empty()) continue;
    try {
      const simdjson::dom::element object = parser.parse(line);
      const auto field = [&](const char* key) {
        return std::string_view(object[key].get_string().value());
      };
      const std::uint64_t user = number(field("user_id"));
      const auto [place, fresh] = by_user.try_emplace(user, accounts.size());
      if (fresh)
        accounts.push_back(
            {.user = user, .name = std::string(field("name")), .tokens = {}, .groups = {}});
      accounts[place->second].tokens.push_back(
          {number(field("device_id")), std::string(field("access_token"))});
      simdjson::dom::array groups;
      if (fresh && object["groups"].get_array().get(groups) == simdjson::SUCCESS)
        for (const auto group : groups)
          accounts.back().groups.emplace_back(group.get_string().value());
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}:{}: {}", file, n, error.what()));
    }
  }
  return accounts;
}

std::vector<Account> share_of(std::vector<Account> all, const Options& options,
                              std::size_t process) {
  const std::size_t wanted =
      options.users != 0 ? options.users : all.size() - std::min(all.size(), options.first_user);
  if (options.first_user + wanted > all.size() || wanted == 0)
    throw std::runtime_error(fmt::format("{} people from {} on wanted, and there are {}", wanted,
                                         options.first_user, all.size()));
  std::vector<Account> share;
  for (std::size_t i = 0; i < wanted; ++i) {
    // Dealt out in turn: senders come first, and each process needs its part of them.
    if (i % options.processes == process) share.push_back(std::move(all[options.first_user + i]));
  }
  return share;
}

}  // namespace parley::load
