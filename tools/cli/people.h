#pragma once
#include <map>
#include <parley/v1/frames.pb.h>
#include <string>

#include "client/api.h"

namespace parley::cli {

using client::Awaitable;
using client::Outcome;

/// Names for numbers and the reverse, asked from the server once each.
class People {
 public:
  explicit People(client::Api& api) : api_(api) {}

  std::uint64_t self() const { return api_.account().user(); }
  Awaitable<Outcome<v1::Profile>> find(std::string name);
  /// `you` for the account itself; the number where the server does not tell.
  Awaitable<std::string> name_of(std::uint64_t user);

  /// A conversation by its id (`d:7:42`) or by the other person's name.
  struct Place {
    std::string conversation;
    std::uint64_t peer = 0;  // 0: not a direct conversation
    std::string title;
  };
  Awaitable<Outcome<Place>> resolve(std::string name_or_conversation);

  /// The other one of a direct conversation; oneself in notes to oneself; 0 if it is none.
  std::uint64_t peer_of(std::string_view conversation) const;

 private:
  client::Api& api_;
  std::map<std::uint64_t, std::string> names_;
};

/// All of the account's conversations, page by page.
Awaitable<Outcome<std::vector<v1::Conversation>>> all_conversations(client::Api& api);

}  // namespace parley::cli
