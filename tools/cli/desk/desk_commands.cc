#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "cli/desk/desk.h"
#include "cli/show_group.h"
#include "cli/text.h"
#include "client/uuid.h"

namespace parley::cli::desk {
namespace {

std::string path_of_group(const std::string& id) { return "/v1/groups/" + id.substr(2); }

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

void Desk::command(const std::string& line) {
  auto words = words_of(line.substr(1));
  if (!words) return model_.remark("a quotation mark is missing", true);
  const auto name = words->empty() ? std::string() : words->front();
  const auto* found = command_called(name);
  if (!found)
    return model_.remark(fmt::format("there is no /{}: F1 lists what there is", printable(name)),
                         true);
  words->erase(words->begin());
  if (words->size() < found->least || words->size() > found->most)
    return model_.remark(fmt::format("usage: /{} {}", found->name, found->arguments), true);
  const auto* talk = model_.opened();
  if (found->in_group && (!talk || !talk->is_group()))
    return model_.remark(fmt::format("/{} is for groups: open one first", found->name), true);
  run_command(*found, std::move(*words));
}

void Desk::run_command(const Command& command, std::vector<std::string> words) {
  const auto& id = model_.opened_id();
  const auto name = command.name;
  const auto title = model_.opened() ? model_.opened()->title : std::string();
  if (name == "new") jobs_.start(resolve_and_open(words[0]));
  if (name == "group") jobs_.start(make_group(std::move(words)));
  if (name == "members") jobs_.start(show_members(id));
  if (name == "rename") jobs_.start(rename(id, joined(words)));
  if (name == "add") jobs_.start(add_members(id, std::move(words)));
  if (name == "remove") jobs_.start(remove_members(id, std::move(words)));
  if (name == "role") jobs_.start(set_role(id, words[0], words[1]));
  if (name == "leave") {
    if_yes_ = [this, id] { jobs_.start(end_membership(id, "POST", "/leave")); };
    model_.ask(fmt::format("Leave {}?", title));
  }
  if (name == "dissolve") {
    if_yes_ = [this, id] { jobs_.start(end_membership(id, "DELETE", "")); };
    model_.ask(fmt::format("End {} for everybody?", title));
  }
  if (name == "go") go(joined(words));
  if (name == "newest") to_newest();
  if (name == "find") {
    filter_ = LineEditor();
    model_.enter_list(true);
    filter_.feed(joined(words));
    model_.set_filter(filter_.text());
  }
  if (name == "accounts") list_accounts();
  if (name == "account") go_to_account(words[0]);
  if (name == "help") model_.show_pager("parley: keys and commands", help());
  if (name == "quit") leave();
}

Awaitable<void> Desk::resolve_and_open(std::string name) {
  auto place = co_await people_.resolve(std::move(name));
  if (!place) co_return complain(place.error());
  if (co_await know(place->conversation)) open(place->conversation);
}

void Desk::go(const std::string& where) {
  const auto id = model_.opened_id();
  if (id.empty()) return model_.remark("nothing is open: Tab chooses", true);
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), seq);
  const bool is_number = error == std::errc() && end == where.data() + where.size() && seq > 0;
  const auto time = is_number ? std::nullopt : parse_time(where);
  if (!is_number && !time)
    return model_.remark("neither a number nor a time: /go 120, /go 14:02, /go 2026-03-01", true);
  if (loading_.contains(id)) return model_.remark("wait for what is being loaded", true);
  jobs_.start(load_page(
      id, is_number ? fmt::format("around={}", seq) : fmt::format("around_time={}", *time),
      Model::Page::instead, [this, id, seq, time] {
        const auto* talk = model_.opened();
        if (!talk || talk->id != id || talk->messages.empty()) return;
        auto at =
            time ? std::ranges::find_if(
                       talk->messages, [&](const auto& row) { return row.second.time_ms >= *time; })
                 : talk->messages.lower_bound(seq);
        if (at == talk->messages.end()) --at;
        layout_.centre(model_, at->first);
      }));
}

void Desk::list_accounts() {
  std::vector<std::string> lines{""};
  for (const auto& name : client::Account::list(client::state_folder())) {
    const bool here = name == api_.account().profile();
    lines.push_back(fmt::format(" {} {}", here ? "*" : " ", printable(name)));
  }
  lines.push_back("");
  lines.push_back(" /account NAME goes to another one; `parley sign-in` adds one.");
  model_.show_pager("accounts on this machine", std::move(lines));
}

void Desk::go_to_account(const std::string& profile) {
  if (profile == api_.account().profile()) return model_.remark("you are there");
  const auto there = client::Account::list(client::state_folder());
  if (std::ranges::find(there, profile) == there.end())
    return model_.remark(fmt::format("no account \"{}\" is signed in here: /accounts lists them",
                                     printable(profile)),
                         true);
  leave(profile);
}

bool Desk::took(const Outcome<v1::Group>& answer) {
  if (!answer) complain(answer.error());
  if (answer) {
    model_.set_title(answer->conversation_id(), "#" + printable(answer->title()));
    if (auto* talk = model_.find(answer->conversation_id())) talk->members = answer->members();
  }
  paint_soon();
  return answer.has_value();
}

Awaitable<std::optional<std::vector<std::uint64_t>>> Desk::numbers(std::vector<std::string> names) {
  std::vector<std::uint64_t> users;
  for (const auto& name : names) {
    auto found = co_await people_.find(name);
    if (!found) {
      complain(found.error());
      co_return std::nullopt;
    }
    users.push_back(found->user_id());
  }
  co_return users;
}

Awaitable<void> Desk::make_group(std::vector<std::string> words) {
  v1::CreateGroupRequest request;
  request.set_request_id(client::new_uuid_v7());
  request.set_title(words.front());
  words.erase(words.begin());
  auto users = co_await numbers(std::move(words));
  if (!users) co_return;
  request.mutable_members()->Assign(users->begin(), users->end());
  auto made = co_await api_.call<v1::Group>("POST", "/v1/groups", &request);
  if (!made) co_return complain(made.error());
  if (co_await know(made->conversation_id())) open(made->conversation_id());
  took(made);
}

Awaitable<void> Desk::show_members(std::string id) {
  std::vector<std::string> lines{""};
  std::uint64_t next = 0;
  do {
    auto page = co_await api_.call<v1::GroupMembers>(
        "GET", fmt::format("{}/members?limit=100&after={}", path_of_group(id), next));
    if (!page) co_return complain(page.error());
    for (const auto& member : page->members())
      lines.push_back(fmt::format(" {} {:<24} {:<8} since {}",
                                  model_.is_online(member.user_id()) ? "●" : " ",
                                  co_await people_.name_of(member.user_id()),
                                  word_of(member.role()), date_time(member.since_ms())));
    next = page->next();
  } while (next != 0);
  const auto* talk = model_.find(id);
  model_.show_pager(fmt::format("members of {}", talk ? talk->title : id), std::move(lines));
  paint_soon();
}

Awaitable<void> Desk::rename(std::string id, std::string title) {
  v1::UpdateGroupRequest body;
  body.set_title(title);
  took(co_await api_.call<v1::Group>("PATCH", path_of_group(id), &body));
}

Awaitable<void> Desk::add_members(std::string id, std::vector<std::string> names) {
  auto users = co_await numbers(std::move(names));
  if (!users) co_return;
  v1::GroupMembersRequest body;
  body.mutable_user_ids()->Assign(users->begin(), users->end());
  took(co_await api_.call<v1::Group>("POST", path_of_group(id) + "/members", &body));
}

Awaitable<void> Desk::remove_members(std::string id, std::vector<std::string> names) {
  auto users = co_await numbers(std::move(names));
  if (!users) co_return;
  for (const auto user : *users) {
    auto done = co_await api_.call<v1::Group>(
        "DELETE", fmt::format("{}/members/{}", path_of_group(id), user));
    if (!took(done)) co_return;
  }
}

Awaitable<void> Desk::set_role(std::string id, std::string name, std::string role) {
  if (role != "member" && role != "admin" && role != "owner")
    co_return model_.remark("a role is member, admin or owner", true);
  auto users = co_await numbers({std::move(name)});
  if (!users) co_return;
  v1::SetRoleRequest body;
  body.set_role(role == "admin" ? v1::ROLE_ADMIN : v1::ROLE_MEMBER);
  v1::TransferGroupRequest gift;
  gift.set_user_id(users->front());
  const bool gives = role == "owner";
  const auto path = gives ? path_of_group(id) + "/owner"
                          : fmt::format("{}/members/{}/role", path_of_group(id), users->front());
  took(co_await api_.call<v1::Group>(
      "PUT", path, gives ? static_cast<google::protobuf::Message*>(&gift) : &body));
}

Awaitable<void> Desk::end_membership(std::string id, std::string method, std::string rest) {
  auto done = co_await api_.call<v1::Group>(std::move(method), path_of_group(id) + rest);
  if (!done) co_return complain(done.error());
  if (auto* talk = model_.find(id)) talk->left = true;
  model_.remark(fmt::format("you are no longer in #{}", printable(done->title())));
  paint_soon();
}

}  // namespace parley::cli::desk
