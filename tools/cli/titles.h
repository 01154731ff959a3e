#pragma once
#include <map>
#include <string>

#include "client/account.h"

namespace parley::cli {

/// Keeps what conversations are called (id -> title) in the account's file, where completion finds
/// it. Writes only if something is new.
client::Outcome<void> remember_titles(client::Account& account,
                                      const std::map<std::string, std::string>& titles);

}  // namespace parley::cli
