#include "cli/titles.h"

#include <algorithm>

namespace parley::cli {

client::Outcome<void> remember_titles(client::Account& account,
                                      const std::map<std::string, std::string>& titles) {
  const auto& known = account.state().titles();
  const bool nothing_new = std::ranges::all_of(titles, [&](const auto& row) {
    const auto found = known.find(row.first);
    return row.first == row.second || (found != known.end() && found->second == row.second);
  });
  if (nothing_new) return {};
  return account.update([&](client::AccountState& state) {
    for (const auto& [conversation, title] : titles)
      if (title != conversation) (*state.mutable_titles())[conversation] = title;
  });
}

}  // namespace parley::cli
