#pragma once
#include <map>
#include <optional>
#include <parley/v1/frames.pb.h>
#include <string>
#include <vector>

#include "client/api.h"

namespace parley::cli {

using client::Awaitable;
using client::Outcome;

/// For the help of commands that take one.
inline constexpr char kPlaceHelp[] =
    "A person's name, a group's title (#sailing), or a conversation (d:7:42, g:913)";

/// Names for numbers and the reverse, asked from the server once each.
class People {
 public:
  explicit People(client::Api& api) : api_(api) {}

  std::uint64_t self() const { return api_.account().user(); }
  Awaitable<Outcome<v1::Profile>> find(std::string name);
  /// `you` for the account itself; the number where the server does not tell.
  Awaitable<std::string> name_of(std::uint64_t user);
  /// `somebody` where it was not asked yet.
  std::string known_name(std::uint64_t user) const;

  /// What a person calls a conversation: the other's name, or a group's title with `#`.
  Awaitable<std::string> title_of(std::string conversation);
  /// What an entry says to a person: its text, or what became of the group. Harmless for a
  /// terminal.
  Awaitable<std::string> words_of(v1::Entry entry);

  /// A conversation by its id (`d:7:42`, `g:913`), by the other person's name, or by a group's
  /// title (`#sailing`; without `#` where nobody is called so).
  struct Place {
    std::string conversation;
    std::uint64_t peer = 0;  // 0: not a direct conversation
    std::string title;
  };
  Awaitable<Outcome<Place>> resolve(std::string name_or_conversation);

  /// The other one of a direct conversation; oneself in notes to oneself; 0 if it is none.
  std::uint64_t peer_of(std::string_view conversation) const;

 private:
  Awaitable<std::string> last_title_of(std::string conversation);
  std::string remembered(const std::string& conversation) const;
  Awaitable<std::string> names_of(std::vector<std::uint64_t> users);
  Awaitable<Outcome<std::optional<Place>>> group_called(std::string title);

  client::Api& api_;
  std::map<std::uint64_t, std::string> names_;
  std::map<std::string, std::string> titles_;  // of groups, by conversation
};

/// All groups that the account is a member of.
Awaitable<Outcome<std::vector<v1::Group>>> all_groups(client::Api& api);

/// All of the account's conversations, page by page.
Awaitable<Outcome<std::vector<v1::Conversation>>> all_conversations(client::Api& api);

}  // namespace parley::cli
