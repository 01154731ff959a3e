#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/people.h"
#include "cli/show_group.h"
#include "cli/text.h"
#include "client/uuid.h"

namespace parley::cli {
namespace {

struct Options {
  std::string group, title;
  std::vector<std::string> names;
  std::string role;
  bool yes = false;
};

/// A signed-in account and the group that a command is about.
struct Desk {
  client::Api& api;
  People people;
  std::string path;  // `/v1/groups/913`

  static Awaitable<Outcome<std::unique_ptr<Desk>>> open(Context& context, std::string group) {
    auto api = context.sign_on();
    if (!api) co_return std::unexpected(api.error());
    auto desk = std::make_unique<Desk>(Desk{**api, People(**api), {}});
    if (!group.starts_with("g:") && !group.starts_with('#')) group = "#" + group;
    auto place = co_await desk->people.resolve(group);
    if (!place) co_return std::unexpected(place.error());
    desk->path = "/v1/groups/" + place->conversation.substr(2);
    co_return desk;
  }
  Awaitable<Outcome<std::vector<std::uint64_t>>> numbers(std::vector<std::string> names) {
    std::vector<std::uint64_t> users;
    for (auto& name : names) {
      auto found = co_await people.find(name);
      if (!found) co_return std::unexpected(found.error());
      users.push_back(found->user_id());
    }
    co_return users;
  }
};

Awaitable<Outcome<void>> create(Context& context, Options options) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  People people(**api);
  v1::CreateGroupRequest request;
  request.set_request_id(client::new_uuid_v7());
  request.set_title(options.title);
  for (const auto& name : options.names) {
    auto found = co_await people.find(name);
    if (!found) co_return std::unexpected(found.error());
    request.add_members(found->user_id());
  }
  auto made = co_await (*api)->call<v1::Group>("POST", "/v1/groups", &request);
  if (!made) co_return std::unexpected(made.error());
  show_group(*made, context.json);
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> show(Context& context, Options options) {
  auto desk = co_await Desk::open(context, options.group);
  if (!desk) co_return std::unexpected(desk.error());
  auto& [api, people, path] = **desk;
  auto group = co_await api.call<v1::Group>("GET", path);
  if (!group) co_return std::unexpected(group.error());
  show_group(*group, context.json);
  std::uint64_t next = 0;
  do {
    auto page = co_await api.call<v1::GroupMembers>(
        "GET", fmt::format("{}/members?limit=100&after={}", path, next));
    if (!page) co_return std::unexpected(page.error());
    for (const auto& member : page->members()) {
      if (context.json)
        print_json(member);
      else
        print_line(fmt::format("    {:<24} {}", co_await people.name_of(member.user_id()),
                               member.role() == v1::ROLE_MEMBER ? "" : word_of(member.role())));
    }
    next = page->next();
  } while (next != 0);
  co_return Outcome<void>{};
}

/// One request about the group; what it answers is shown.
Awaitable<Outcome<void>> change(Context& context, std::string group, std::string method,
                                std::string rest, const google::protobuf::Message* body) {
  auto desk = co_await Desk::open(context, std::move(group));
  if (!desk) co_return std::unexpected(desk.error());
  auto done = co_await (*desk)->api.call<v1::Group>(method, (*desk)->path + rest, body);
  if (!done) co_return std::unexpected(done.error());
  show_group(*done, context.json);
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> rename(Context& context, Options options) {
  v1::UpdateGroupRequest body;
  body.set_title(options.title);
  co_return co_await change(context, options.group, "PATCH", "", &body);
}

Awaitable<Outcome<void>> add(Context& context, Options options) {
  auto desk = co_await Desk::open(context, options.group);
  if (!desk) co_return std::unexpected(desk.error());
  auto users = co_await (*desk)->numbers(options.names);
  if (!users) co_return std::unexpected(users.error());
  v1::GroupMembersRequest body;
  body.mutable_user_ids()->Assign(users->begin(), users->end());
  auto done = co_await (*desk)->api.call<v1::Group>("POST", (*desk)->path + "/members", &body);
  if (!done) co_return std::unexpected(done.error());
  show_group(*done, context.json);
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> remove(Context& context, Options options) {
  auto desk = co_await Desk::open(context, options.group);
  if (!desk) co_return std::unexpected(desk.error());
  auto users = co_await (*desk)->numbers(options.names);
  if (!users) co_return std::unexpected(users.error());
  v1::Group last;
  for (const auto user : *users) {
    auto done = co_await (*desk)->api.call<v1::Group>(
        "DELETE", fmt::format("{}/members/{}", (*desk)->path, user));
    if (!done) co_return std::unexpected(done.error());
    last = std::move(*done);
  }
  show_group(last, context.json);
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> set_role(Context& context, Options options) {
  auto desk = co_await Desk::open(context, options.group);
  if (!desk) co_return std::unexpected(desk.error());
  auto users = co_await (*desk)->numbers(options.names);
  if (!users) co_return std::unexpected(users.error());
  v1::SetRoleRequest role;
  role.set_role(options.role == "admin" ? v1::ROLE_ADMIN : v1::ROLE_MEMBER);
  v1::TransferGroupRequest owner;
  owner.set_user_id(users->front());
  const bool gives = options.role == "owner";
  const auto path = gives ? (*desk)->path + "/owner"
                          : fmt::format("{}/members/{}/role", (*desk)->path, users->front());
  auto done = co_await (*desk)->api.call<v1::Group>(
      "PUT", path, gives ? static_cast<google::protobuf::Message*>(&owner) : &role);
  if (!done) co_return std::unexpected(done.error());
  show_group(*done, context.json);
  co_return Outcome<void>{};
}

Awaitable<Outcome<void>> leave(Context& context, Options options) {
  co_return co_await change(context, options.group, "POST", "/leave", nullptr);
}

Awaitable<Outcome<void>> dissolve(Context& context, Options options) {
  if (!options.yes)
    co_return client::failed(fmt::format(
        "this ends the group {} for everybody and cannot be undone: say --yes", options.group));
  co_return co_await change(context, options.group, "DELETE", "", nullptr);
}

using Run = Awaitable<Outcome<void>> (*)(Context&, Options);

std::shared_ptr<Options> add_command(CLI::App& group, Context& context, CLI::App*& made,
                                     const char* name, const char* help, Run run) {
  auto options = std::make_shared<Options>();
  made = group.add_subcommand(name, help);
  made->callback([&context, options, run] {
    context.command = [&context, options, run] { return run(context, *options); };
  });
  return options;
}

}  // namespace

void add_group(CLI::App& app, Context& context) {
  constexpr char kGroup[] = "The group's title, or its conversation (g:913)";
  auto* group = app.add_subcommand("group", "Make and change groups");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  parley group create sailing bob cat\n"
      "  parley group add sailing dan\n"
      "  parley group role sailing bob admin\n"
      "  parley group rename sailing 'Sailing 2027'\n"
      "  parley open '#sailing'");
  CLI::App* command = nullptr;
  auto options = add_command(*group, context, command, "create", "Make a group", create);
  command->add_option("TITLE", options->title, "1 to 128 bytes")->required();
  command->add_option("NAMES", options->names, "User names of its members, besides you");

  options = add_command(*group, context, command, "show", "A group and its members", show);
  command->add_option("GROUP", options->group, kGroup)->required();

  options = add_command(*group, context, command, "rename", "Change the title", rename);
  command->add_option("GROUP", options->group, kGroup)->required();
  command->add_option("TITLE", options->title, "The new one")->required();

  options = add_command(*group, context, command, "add", "Add members", add);
  command->add_option("GROUP", options->group, kGroup)->required();
  command->add_option("NAMES", options->names, "User names")->required();

  options = add_command(*group, context, command, "remove", "Remove members", remove);
  command->add_option("GROUP", options->group, kGroup)->required();
  command->add_option("NAMES", options->names, "User names")->required();

  options = add_command(*group, context, command, "role", "Change a member's role", set_role);
  command->add_option("GROUP", options->group, kGroup)->required();
  command->add_option("NAME", options->names, "User name")->required()->expected(1);
  command->add_option("ROLE", options->role, "member, admin, or owner: gives the group away")
      ->required()
      ->check(CLI::IsMember({"member", "admin", "owner"}));

  options = add_command(*group, context, command, "leave", "Leave a group", leave);
  command->add_option("GROUP", options->group, kGroup)->required();

  options =
      add_command(*group, context, command, "dissolve", "End a group for everybody", dissolve);
  command->add_option("GROUP", options->group, kGroup)->required();
  command->add_flag("--yes", options->yes, "Yes, for everybody and for ever");
}

}  // namespace parley::cli
