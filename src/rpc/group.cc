#include "rpc/group.h"

#include "parley/rpc/v1/group.pb.h"
#include "rpc/convert.h"

namespace parley::rpc {
namespace {

constexpr Method<v1::GroupCreate, v1::GroupView> kCreate{"/parley.rpc.v1.Group/Create"};
constexpr Method<v1::GroupChangeRequest, v1::GroupView> kChange{"/parley.rpc.v1.Group/Change"};
constexpr Method<v1::GroupRequest, v1::GroupView> kView{"/parley.rpc.v1.Group/View"};
constexpr Method<v1::GroupsRequest, v1::GroupsAnswer> kOf{"/parley.rpc.v1.Group/Of"};
constexpr Method<v1::MembersRequest, v1::MembersAnswer> kMembers{"/parley.rpc.v1.Group/Members"};

GroupView from_proto(const v1::GroupView& view) {
  return {GroupId(view.id()), view.title(),
          view.picture(),     UserId(view.owner()),
          view.version(),     TimeMs(view.created_ms()),
          view.members(),     static_cast<Role>(view.role())};
}
void to_proto(const GroupView& view, v1::GroupView& out) {
  out.set_id(view.id.value);
  out.set_title(view.title);
  out.set_picture(view.picture);
  out.set_owner(view.owner.value);
  out.set_version(view.version);
  out.set_created_ms(view.created.value);
  out.set_members(view.members);
  out.set_role(static_cast<std::uint32_t>(view.role));
}
v1::GroupView to_proto(const GroupView& view) {
  v1::GroupView out;
  to_proto(view, out);
  return out;
}

}  // namespace

Awaitable<Result<GroupView>> GroupClient::create(GroupCreate request) {
  v1::GroupCreate out;
  out.set_owner(request.owner.value);
  out.set_request(std::move(request.request));
  out.set_title(std::move(request.title));
  out.set_picture(std::move(request.picture));
  add_ids(request.members, *out.mutable_members());
  PARLEY_CO_TRY(view, co_await channel_.call(kCreate, std::move(out)));
  co_return from_proto(view);
}

Awaitable<Result<GroupView>> GroupClient::change(UserId actor, GroupId group, GroupChange change) {
  v1::GroupChangeRequest request;
  request.set_actor(actor.value);
  request.set_group(group.value);
  to_proto(change, *request.mutable_change());
  PARLEY_CO_TRY(view, co_await channel_.call(kChange, std::move(request)));
  co_return from_proto(view);
}

Awaitable<Result<GroupView>> GroupClient::view(UserId asker, GroupId group) {
  v1::GroupRequest request;
  request.set_asker(asker.value);
  request.set_group(group.value);
  PARLEY_CO_TRY(view, co_await channel_.call(kView, std::move(request)));
  co_return from_proto(view);
}

Awaitable<Result<std::vector<GroupView>>> GroupClient::of(UserId user, GroupId after,
                                                          std::size_t limit) {
  v1::GroupsRequest request;
  request.set_user(user.value);
  request.set_after(after.value);
  request.set_limit(limit);
  PARLEY_CO_TRY(answer, co_await channel_.call(kOf, std::move(request)));
  std::vector<GroupView> out;
  for (const auto& view : answer.groups()) out.push_back(from_proto(view));
  co_return out;
}

Awaitable<Result<std::vector<GroupMemberView>>> GroupClient::members(UserId asker, GroupId group,
                                                                     UserId after,
                                                                     std::size_t limit) {
  v1::MembersRequest request;
  request.set_asker(asker.value);
  request.set_group(group.value);
  request.set_after(after.value);
  request.set_limit(limit);
  PARLEY_CO_TRY(answer, co_await channel_.call(kMembers, std::move(request)));
  std::vector<GroupMemberView> out;
  for (const auto& row : answer.members())
    out.push_back({UserId(row.user()), static_cast<Role>(row.role()), TimeMs(row.since_ms())});
  co_return out;
}

void GroupClient::typing(UserId user, GroupId group) {
  link_.post([this, user, group] {
    if (!link_.has_room(true)) return;
    auto& out = *link_.add_to_frame(20).add_group_typing();
    out.set_user(user.value);
    out.set_group(group.value);
  });
}

void serve(Router& router, GroupApi& groups) {
  router.on_frame([&groups](const ConnectionPtr&, v1::Frame& frame) {
    for (const auto& typing : frame.group_typing())
      groups.typing(UserId(typing.user()), GroupId(typing.group()));
  });
  router.on_call(kCreate, [&groups](v1::GroupCreate request) -> Awaitable<Result<v1::GroupView>> {
    PARLEY_CO_TRY(
        view, co_await groups.create({UserId(request.owner()), request.request(), request.title(),
                                      request.picture(), ids_of<UserId>(request.members())}));
    co_return to_proto(view);
  });
  router.on_call(
      kChange, [&groups](v1::GroupChangeRequest request) -> Awaitable<Result<v1::GroupView>> {
        PARLEY_CO_TRY(view,
                      co_await groups.change(UserId(request.actor()), GroupId(request.group()),
                                             from_proto(request.change())));
        co_return to_proto(view);
      });
  router.on_call(kView, [&groups](v1::GroupRequest request) -> Awaitable<Result<v1::GroupView>> {
    PARLEY_CO_TRY(view, co_await groups.view(UserId(request.asker()), GroupId(request.group())));
    co_return to_proto(view);
  });
  router.on_call(kOf, [&groups](v1::GroupsRequest request) -> Awaitable<Result<v1::GroupsAnswer>> {
    PARLEY_CO_TRY(found, co_await groups.of(UserId(request.user()), GroupId(request.after()),
                                            request.limit()));
    v1::GroupsAnswer answer;
    for (const auto& view : found) to_proto(view, *answer.add_groups());
    co_return answer;
  });
  router.on_call(
      kMembers, [&groups](v1::MembersRequest request) -> Awaitable<Result<v1::MembersAnswer>> {
        PARLEY_CO_TRY(found,
                      co_await groups.members(UserId(request.asker()), GroupId(request.group()),
                                              UserId(request.after()), request.limit()));
        v1::MembersAnswer answer;
        for (const auto& member : found) {
          auto& row = *answer.add_members();
          row.set_user(member.user.value);
          row.set_role(static_cast<std::uint32_t>(member.role));
          row.set_since_ms(member.since.value);
        }
        co_return answer;
      });
}

}  // namespace parley::rpc
