#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "options.h"

namespace parley::load {

/// A person and the access tokens to sign in with, in the order of the file.
struct Account {
  std::uint64_t user = 0;
  std::string name;
  struct Token {
    std::uint64_t device;
    std::string text;
  };
  std::vector<Token> tokens;
  std::vector<std::string> groups;  // conversations, as the file says
};

/// Reads what `parleyd seed` wrote: one JSON object a line, `{"user_id":"..","device_id":"..",
/// "name":"..","access_token":"..","groups":["g:.."]}` (the last only if there are), several lines
/// for a person with several devices or tokens. Throws std::runtime_error with the line at fault.
std::vector<Account> read_accounts(const std::string& file);

/// The accounts that the options choose, those of one process. Throws std::runtime_error if there
/// are not so many.
std::vector<Account> share_of(std::vector<Account> all, const Options& options,
                              std::size_t process);

/// Signs up new people over HTTP, one after another, `devices` sign-ins each.
std::vector<Account> sign_up(const Options& options);

}  // namespace parley::load
