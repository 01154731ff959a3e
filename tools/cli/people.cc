#include "cli/people.h"

#include <charconv>
#include <fmt/format.h>

#include "cli/text.h"

namespace parley::cli {
namespace {
constexpr char kNotes[] = "notes to yourself";
}

Awaitable<Outcome<v1::Profile>> People::find(std::string name) {
  auto found = co_await api_.call<v1::Users>("GET", "/v1/users?name=" + client::url_escape(name));
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (found->users().empty())
    co_return std::unexpected(client::Failure{
        .code = "not_found", .message = fmt::format("there is nobody called \"{}\"", name)});
  names_[found->users(0).user_id()] = found->users(0).name();
  co_return found->users(0);
}

Awaitable<std::string> People::name_of(std::uint64_t user) {
  if (user == self()) co_return "you";
  if (const auto known = names_.find(user); known != names_.end()) co_return known->second;
  auto profile = co_await api_.call<v1::Profile>("GET", fmt::format("/v1/users/{}", user));
  if (!profile) co_return fmt::format("user {}", user);
  co_return names_[user] = printable(profile->name());
}

std::uint64_t People::peer_of(std::string_view conversation) const {
  if (!conversation.starts_with("d:")) return 0;
  const auto middle = conversation.find(':', 2);
  if (middle == std::string_view::npos) return 0;
  std::uint64_t first = 0, second = 0;
  std::from_chars(conversation.data() + 2, conversation.data() + middle, first);
  std::from_chars(conversation.data() + middle + 1, conversation.data() + conversation.size(),
                  second);
  return first == self() ? second : first;
}

Awaitable<Outcome<People::Place>> People::resolve(std::string text) {
  if (text.size() > 2 && text[1] == ':') {
    const auto peer = peer_of(text);
    std::string title = text;
    if (peer) title = peer == self() ? kNotes : co_await name_of(peer);
    co_return Place{text, peer, std::move(title)};
  }
  auto found = co_await find(text);
  if (!found) {
    if (found.error().code == "not_found")
      found.error().message =
          fmt::format("there is nobody called \"{}\" on {}: check the name with `parley find`",
                      text, api_.server().text());
    co_return std::unexpected(std::move(found.error()));
  }
  const auto peer = found->user_id();
  co_return Place{fmt::format("d:{}:{}", std::min(self(), peer), std::max(self(), peer)), peer,
                  peer == self() ? kNotes : printable(found->name())};
}

Awaitable<Outcome<std::vector<v1::Conversation>>> all_conversations(client::Api& api) {
  std::vector<v1::Conversation> all;
  std::string next;
  do {
    auto page = co_await api.call<v1::Conversations>(
        "GET",
        "/v1/conversations?limit=100" + (next.empty() ? "" : "&after=" + client::url_escape(next)));
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::ranges::move(*page->mutable_conversations(), std::back_inserter(all));
    next = page->next();
  } while (!next.empty());
  co_return all;
}

}  // namespace parley::cli
