#include "wire/group_change.h"

namespace parley::wire {
namespace {
using What = GroupChange::What;

template <class Ids>
void add_all(const std::vector<UserId>& users, Ids& out) {
  out.Reserve(static_cast<int>(users.size()));
  for (const auto user : users) out.Add(user.value);
}
template <class Ids>
std::vector<UserId> users_of(const Ids& ids) {
  std::vector<UserId> out;
  out.reserve(static_cast<std::size_t>(ids.size()));
  for (const auto id : ids) out.emplace_back(id);
  return out;
}

/// Of a change that is about one user.
std::uint64_t only(const GroupChange& change) {
  return change.users.empty() ? 0 : change.users.front().value;
}

}  // namespace

v1::Role to_proto(Role role) {
  switch (role) {
    case Role::member:
      return v1::ROLE_MEMBER;
    case Role::admin:
      return v1::ROLE_ADMIN;
    case Role::owner:
      return v1::ROLE_OWNER;
  }
  return v1::ROLE_UNSPECIFIED;
}

Result<Role> from_proto(v1::Role role) {
  switch (role) {
    case v1::ROLE_MEMBER:
      return Role::member;
    case v1::ROLE_ADMIN:
      return Role::admin;
    case v1::ROLE_OWNER:
      return Role::owner;
    default:
      return fail(Code::invalid_argument, "a role is ROLE_MEMBER, ROLE_ADMIN or ROLE_OWNER",
                  "role");
  }
}

void to_proto(const GroupChange& change, v1::GroupChange& out) {
  out.set_version(change.version);
  switch (change.what) {
    case What::created:
      out.mutable_created()->set_title(change.text);
      return add_all(change.users, *out.mutable_created()->mutable_members());
    case What::title:
      return out.set_title(change.text);
    case What::picture:
      return out.set_picture(change.text);
    case What::added:
      return add_all(change.users, *out.mutable_added()->mutable_user_ids());
    case What::removed:
      return add_all(change.users, *out.mutable_removed()->mutable_user_ids());
    case What::left:
      return add_all(change.users, *out.mutable_left()->mutable_user_ids());
    case What::role:
      out.mutable_role()->set_user_id(only(change));
      return out.mutable_role()->set_role(to_proto(change.role));
    case What::owner:
      return out.set_owner(only(change));
    case What::dissolved:
      out.mutable_dissolved();
  }
}

Result<GroupChange> from_proto(const v1::GroupChange& change) {
  GroupChange out;
  out.version = change.version();
  switch (change.what_case()) {
    case v1::GroupChange::kCreated:
      out.what = What::created;
      out.text = change.created().title();
      out.users = users_of(change.created().members());
      return out;
    case v1::GroupChange::kTitle:
      out.what = What::title;
      out.text = change.title();
      return out;
    case v1::GroupChange::kPicture:
      out.what = What::picture;
      out.text = change.picture();
      return out;
    case v1::GroupChange::kAdded:
      out.what = What::added;
      out.users = users_of(change.added().user_ids());
      return out;
    case v1::GroupChange::kRemoved:
      out.what = What::removed;
      out.users = users_of(change.removed().user_ids());
      return out;
    case v1::GroupChange::kLeft:
      out.what = What::left;
      out.users = users_of(change.left().user_ids());
      return out;
    case v1::GroupChange::kRole: {
      PARLEY_TRY(role, from_proto(change.role().role()));
      out.what = What::role;
      out.users = {UserId(change.role().user_id())};
      out.role = role;
      return out;
    }
    case v1::GroupChange::kOwner:
      out.what = What::owner;
      out.users = {UserId(change.owner())};
      return out;
    case v1::GroupChange::kDissolved:
      out.what = What::dissolved;
      return out;
    case v1::GroupChange::WHAT_NOT_SET:
      break;
  }
  return fail(Code::malformed, "a change of a group that this program does not know");
}

}  // namespace parley::wire
