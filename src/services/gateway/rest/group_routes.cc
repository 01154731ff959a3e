#include <algorithm>
#include <boost/asio.hpp>
#include <fmt/format.h>

#include "domain/group_rules.h"
#include "domain/text.h"
#include "parley/v1/rest.pb.h"
#include "services/gateway/rest/call.h"
#include "services/gateway/to_proto.h"
#include "wire/group_change.h"

// Groups: who is in them, how far their members are, and who is online.
namespace parley::gateway::rest {
namespace {
using What = GroupChange::What;

const Limits& limits(const Call& call) { return call.context.shared.settings.limits; }

template <class Ids>
Result<std::vector<UserId>> users_of(const Ids& ids, std::size_t most, std::string_view field) {
  return check_users({ids.data(), static_cast<std::size_t>(ids.size())}, most, field);
}

void to_proto(const GroupView& group, v1::Group& out) {
  out.set_group_id(group.id.value);
  out.set_conversation_id(ConversationId::group(group.id.value).text());
  out.set_title(group.title);
  out.set_picture(group.picture);
  out.set_owner(group.owner.value);
  out.set_version(group.version);
  out.set_created_ms(group.created.value);
  out.set_members(group.members);
  out.set_role(wire::to_proto(group.role));
}

Answer answer_with(const Result<GroupView>& group, unsigned status = 200) {
  if (!group) return std::unexpected(group.error());
  v1::Group out;
  to_proto(*group, out);
  return json(out, status);
}

Result<GroupId> group_of(const Call& call) {
  PARLEY_TRY(id, Call::number(call.parts[0], "group_id"));
  return GroupId(id);
}

/// Of a user whom the path names.
Result<UserId> member_of(const Call& call) {
  PARLEY_TRY(id, Call::number(call.parts[1], "user_id"));
  return UserId(id);
}

Awaitable<Answer> make(Call& call, GroupChange change) {
  PARLEY_CO_TRY(group, group_of(call));
  co_return answer_with(
      co_await call.services().groups.change(call.who.user, group, std::move(change)));
}

GroupChange change_of(What what, std::vector<UserId> users) {
  GroupChange change;
  change.what = what;
  change.users = std::move(users);
  return change;
}

/// How much of a list is asked for: `after` and `limit` of the query.
struct Page {
  std::uint64_t after = 0;
  std::size_t limit = 0;
};
Result<Page> page_of(const Call& call, std::size_t most) {
  PARLEY_TRY(after, call.number("after"));
  PARLEY_TRY(limit, call.number("limit"));
  if (limit > most)
    return fail(Code::invalid_argument, fmt::format("a page has at most {} rows", most), "limit");
  return Page{after, limit ? limit : most};
}

Awaitable<Answer> create_group(Call& call) {
  v1::CreateGroupRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  if (!body.request_id().empty() && !check_client_message_id(body.request_id()))
    co_return fail(Code::invalid_argument, "a request's id is 1 to 64 printable ASCII characters",
                   "request_id");
  PARLEY_CO_TRY(members, users_of(body.members(), kUsersOfOneChange - 1, "members"));
  GroupCreate request{call.who.user, body.request_id(), body.title(), body.picture(),
                      std::move(members)};
  co_return answer_with(co_await call.services().groups.create(std::move(request)), 201);
}

Awaitable<Answer> list_groups(Call& call) {
  PARLEY_CO_TRY(page, page_of(call, limits(call).groups_page));
  PARLEY_CO_TRY(groups,
                co_await call.services().groups.of(call.who.user, GroupId(page.after), page.limit));
  v1::Groups out;
  for (const auto& group : groups) to_proto(group, *out.add_groups());
  if (groups.size() == page.limit) out.set_next(groups.back().id.value);
  co_return json(out);
}

Awaitable<Answer> get_group(Call& call) {
  PARLEY_CO_TRY(group, group_of(call));
  co_return answer_with(co_await call.services().groups.view(call.who.user, group));
}

Awaitable<Answer> update_group(Call& call) {
  v1::UpdateGroupRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  if (body.has_title() && body.has_picture())
    co_return fail(Code::invalid_argument, "title or picture, one at a time", "picture");
  if (!body.has_title() && !body.has_picture())
    co_return fail(Code::invalid_argument, "a title or a picture is wanted", "title");
  auto change = change_of(body.has_title() ? What::title : What::picture, {});
  change.text = body.has_title() ? body.title() : body.picture();
  co_return co_await make(call, std::move(change));
}

Awaitable<Answer> dissolve_group(Call& call) {
  co_return co_await make(call, change_of(What::dissolved, {}));
}

Awaitable<Answer> list_members(Call& call) {
  PARLEY_CO_TRY(group, group_of(call));
  PARLEY_CO_TRY(page, page_of(call, limits(call).group_members_page));
  PARLEY_CO_TRY(members, co_await call.services().groups.members(call.who.user, group,
                                                                 UserId(page.after), page.limit));
  v1::GroupMembers out;
  for (const auto& member : members) {
    auto& row = *out.add_members();
    row.set_user_id(member.user.value);
    row.set_role(wire::to_proto(member.role));
    row.set_since_ms(member.since.value);
  }
  if (members.size() == page.limit) out.set_next(members.back().user.value);
  co_return json(out);
}

Awaitable<Answer> add_members(Call& call) {
  v1::GroupMembersRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  PARLEY_CO_TRY(users, users_of(body.user_ids(), kUsersOfOneChange, "user_ids"));
  if (users.empty()) co_return fail(Code::invalid_argument, "whom?", "user_ids");
  co_return co_await make(call, change_of(What::added, std::move(users)));
}

Awaitable<Answer> remove_member(Call& call) {
  PARLEY_CO_TRY(user, member_of(call));
  co_return co_await make(call, change_of(What::removed, {user}));
}

Awaitable<Answer> leave_group(Call& call) {
  co_return co_await make(call, change_of(What::left, {call.who.user}));
}

Awaitable<Answer> set_role(Call& call) {
  PARLEY_CO_TRY(user, member_of(call));
  v1::SetRoleRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  PARLEY_CO_TRY(role, wire::from_proto(body.role()));
  if (role == Role::owner)
    co_return fail(Code::invalid_argument, "a group is given away with transferGroup", "role");
  auto change = change_of(What::role, {user});
  change.role = role;
  co_return co_await make(call, std::move(change));
}

Awaitable<Answer> transfer_group(Call& call) {
  v1::TransferGroupRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  if (body.user_id() == 0) co_return fail(Code::invalid_argument, "to whom?", "user_id");
  co_return co_await make(call, change_of(What::owner, {UserId(body.user_id())}));
}

Awaitable<Answer> get_receipts(Call& call) {
  PARLEY_CO_TRY(where, check_conversation(call.parts[0], call.who.user));
  PARLEY_CO_TRY(seq, call.number("seq"));
  if (seq == 0) co_return fail(Code::invalid_argument, "a seq is 1 or more", "seq");
  PARLEY_CO_TRY(receipts,
                co_await call.services().messages.receipts(call.who.user, where, Seq(seq)));
  v1::Receipts out;
  out.set_conversation_id(where.text());
  out.set_seq(seq);
  out.set_members(receipts.members);
  out.set_delivered(receipts.delivered);
  out.set_read(receipts.read);
  for (const auto& [user, marks] : receipts.each) {
    auto& row = *out.add_each();
    row.set_user_id(user.value);
    row.set_delivered(marks.delivered.value);
    row.set_read(marks.read.value);
  }
  co_return json(out);
}

/// The numbers of `1,2,3`.
Result<std::vector<std::uint64_t>> numbers(std::string_view list, std::string_view field) {
  std::vector<std::uint64_t> out;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    PARLEY_TRY(number, Call::number(list.substr(0, end), field));
    out.push_back(number);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

Awaitable<Answer> get_presence(Call& call) {
  PARLEY_CO_TRY(ids, numbers(call.text("user_ids"), "user_ids"));
  PARLEY_CO_TRY(users, users_of(ids, limits(call).presence_users, "user_ids"));
  if (users.empty()) co_return fail(Code::invalid_argument, "whose?", "user_ids");
  PARLEY_CO_TRY(visible, co_await call.services().messages.visible(call.who.user, users));
  PARLEY_CO_TRY(known, co_await call.services().presence.of(visible));
  v1::PresenceAnswer out;
  for (const auto user : users) {
    // Who may not be seen looks like who was never here.
    const auto at = std::ranges::find(known, user, &PresenceView::user);
    gateway::to_proto(at == known.end() ? PresenceView{user, false, {}} : *at, *out.add_users());
  }
  co_return json(out);
}

}  // namespace

std::vector<Route> group_routes() {
  using enum Route::Access;
  return {
      {"POST", "/v1/groups", "createGroup", signed_in, create_group},
      {"GET", "/v1/groups", "listGroups", signed_in, list_groups},
      {"GET", "/v1/groups/{group_id}", "getGroup", signed_in, get_group},
      {"PATCH", "/v1/groups/{group_id}", "updateGroup", signed_in, update_group},
      {"DELETE", "/v1/groups/{group_id}", "dissolveGroup", signed_in, dissolve_group},
      {"GET", "/v1/groups/{group_id}/members", "listMembers", signed_in, list_members},
      {"POST", "/v1/groups/{group_id}/members", "addMembers", signed_in, add_members},
      {"DELETE", "/v1/groups/{group_id}/members/{user_id}", "removeMember", signed_in,
       remove_member},
      {"PUT", "/v1/groups/{group_id}/members/{user_id}/role", "setRole", signed_in, set_role},
      {"POST", "/v1/groups/{group_id}/leave", "leaveGroup", signed_in, leave_group},
      {"PUT", "/v1/groups/{group_id}/owner", "transferGroup", signed_in, transfer_group},
      {"GET", "/v1/conversations/{conversation_id}/receipts", "getReceipts", signed_in,
       get_receipts},
      {"GET", "/v1/presence", "getPresence", signed_in, get_presence},
  };
}

}  // namespace parley::gateway::rest
