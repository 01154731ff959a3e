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

std::string People::known_name(std::uint64_t user) const {
  const auto known = names_.find(user);
  return known == names_.end() ? "somebody" : known->second;
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
    co_return Place{text, peer, peer == self() ? kNotes : co_await title_of(text)};
  }
  if (text.starts_with('#')) {
    auto group = co_await group_called(text.substr(1));
    if (!group) co_return std::unexpected(std::move(group.error()));
    if (*group) co_return std::move(**group);
    co_return client::failed(
        fmt::format("you are in no group called \"{}\": `parley groups` lists yours", text));
  }
  auto found = co_await find(text);
  if (!found && found.error().code == "not_found") {
    auto group = co_await group_called(text);
    if (group && *group) co_return std::move(**group);
  }
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

Awaitable<std::string> People::title_of(std::string conversation) {
  if (const auto peer = peer_of(conversation)) co_return co_await name_of(peer);
  if (!conversation.starts_with("g:")) co_return conversation;
  if (const auto known = titles_.find(conversation); known != titles_.end())
    co_return known->second;
  auto group = co_await api_.call<v1::Group>("GET", "/v1/groups/" + conversation.substr(2));
  if (group) co_return titles_[conversation] = "#" + printable(group->title());
  if (group.error().code != "not_found") co_return remembered(conversation);
  co_return titles_[conversation] = co_await last_title_of(conversation);
}

/// Of a group that one has left, whose title is no longer told: as the history that one may read
/// has it, or as it was known here before.
Awaitable<std::string> People::last_title_of(std::string conversation) {
  auto page = co_await api_.call<v1::History>(
      "GET",
      fmt::format("/v1/conversations/{}/messages?limit=200", client::url_escape(conversation)));
  if (!page) co_return remembered(conversation);
  std::string title;
  for (const auto& entry : page->entries()) {
    const auto& change = entry.group_change();
    if (change.has_created()) title = change.created().title();
    if (!change.title().empty()) title = change.title();
  }
  co_return title.empty() ? remembered(conversation) : "#" + printable(title);
}

std::string People::remembered(const std::string& conversation) const {
  const auto& titles = api_.account().state().titles();
  const auto known = titles.find(conversation);
  return known == titles.end() ? conversation : known->second;
}

Awaitable<std::string> People::names_of(std::vector<std::uint64_t> users) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> names;
  for (const auto user : users)
    if (names.size() < kNamed) names.push_back(co_await name_of(user));
  auto text = fmt::format("{}", fmt::join(names, ", "));
  if (users.size() > kNamed) text += fmt::format(" and {} more", users.size() - kNamed);
  co_return text;
}

Awaitable<std::string> People::words_of(v1::Entry entry) {
  using What = v1::GroupChange::WhatCase;
  const auto& change = entry.group_change();
  const auto list = [](const auto& ids) {
    return std::vector<std::uint64_t>(ids.begin(), ids.end());
  };
  switch (change.what_case()) {
    case What::kCreated:
      co_return fmt::format("made the group \"{}\" with {}", printable(change.created().title()),
                            co_await names_of(list(change.created().members())));
    case What::kTitle:
      titles_[entry.conversation_id()] = "#" + printable(change.title());
      co_return fmt::format("called the group \"{}\"", printable(change.title()));
    case What::kPicture:
      co_return "changed the group's picture";
    case What::kAdded:
      co_return "added " + co_await names_of(list(change.added().user_ids()));
    case What::kRemoved:
      co_return "removed " + co_await names_of(list(change.removed().user_ids()));
    case What::kLeft:
      co_return "left the group";
    case What::kRole:
      co_return fmt::format("made {} {}", co_await name_of(change.role().user_id()),
                            change.role().role() == v1::ROLE_ADMIN ? "an admin" : "a member");
    case What::kOwner:
      co_return fmt::format("gave the group to {}", co_await name_of(change.owner()));
    case What::kDissolved:
      co_return "dissolved the group";
    case What::WHAT_NOT_SET:
      break;
  }
  co_return printable(entry.body().text());
}

Awaitable<Outcome<std::optional<People::Place>>> People::group_called(std::string title) {
  auto groups = co_await all_groups(api_);
  if (!groups) co_return std::unexpected(std::move(groups.error()));
  std::optional<Place> found;
  for (const auto& group : *groups) {
    titles_[group.conversation_id()] = "#" + printable(group.title());
    if (group.title() != title) continue;
    if (found)
      co_return client::failed(
          fmt::format("several of your groups are called \"{}\": name one by its conversation, for "
                      "instance {} (`parley groups` lists them)",
                      title, group.conversation_id()));
    found = Place{group.conversation_id(), 0, titles_[group.conversation_id()]};
  }
  co_return found;
}

Awaitable<Outcome<std::vector<v1::Group>>> all_groups(client::Api& api) {
  std::vector<v1::Group> all;
  std::uint64_t next = 0;
  do {
    auto page =
        co_await api.call<v1::Groups>("GET", fmt::format("/v1/groups?limit=100&after={}", next));
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::ranges::move(*page->mutable_groups(), std::back_inserter(all));
    next = page->next();
  } while (next != 0);
  co_return all;
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
