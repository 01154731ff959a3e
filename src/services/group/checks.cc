#include "services/group/checks.h"

#include <fmt/format.h>
#include <unordered_set>

#include "domain/group_rules.h"
#include "domain/text.h"

namespace parley::group {
namespace {

using What = GroupChange::What;

constexpr std::size_t kRequestBytes = 64;

std::vector<UserId> unique(const std::vector<UserId>& users, UserId without = UserId(0)) {
  std::unordered_set<UserId> seen{without};
  std::vector<UserId> kept;
  for (const auto user : users)
    if (seen.insert(user).second) kept.push_back(user);
  return kept;
}

Result<void> check_title(const std::string& title) {
  if (title.empty()) return fail(Code::invalid_argument, "a group has a title", "title");
  return check_label(title, kTitleBytes, "title");
}

bool is_about_members(What what) {
  return what == What::removed || what == What::role || what == What::owner;
}

}  // namespace

const char* users_field(What what) {
  return what == What::role || what == What::owner ? "user_id" : "user_ids";
}

Result<GroupCreate> checked(GroupCreate request) {
  PARLEY_TRY_VOID(check_label(request.request, kRequestBytes, "request_id"));
  PARLEY_TRY_VOID(check_title(request.title));
  PARLEY_TRY_VOID(check_label(request.picture, kPictureBytes, "picture"));
  request.members = unique(request.members, request.owner);
  if (request.members.size() >= kUsersOfOneChange)
    return fail(Code::too_large,
                fmt::format("a group begins with at most {} others: add more to it then",
                            kUsersOfOneChange - 1),
                "members");
  return request;
}

Result<GroupChange> checked(UserId actor, GroupChange change) {
  GroupChange kept{change.what, 0, {}, {}, Role::member};
  const auto* field = users_field(change.what);
  switch (change.what) {
    case What::title:
      PARLEY_TRY_VOID(check_title(change.text));
      kept.text = std::move(change.text);
      return kept;
    case What::picture:
      PARLEY_TRY_VOID(check_label(change.text, kPictureBytes, "picture"));
      kept.text = std::move(change.text);
      return kept;
    case What::added:
    case What::removed:
      kept.users = unique(change.users);
      if (kept.users.empty())
        return fail(Code::invalid_argument, "name the users whom this is about", field);
      if (kept.users.size() > kUsersOfOneChange)
        return fail(Code::too_large,
                    fmt::format("one change is about at most {} users", kUsersOfOneChange), field);
      return kept;
    case What::left:
      kept.users = {actor};
      return kept;
    case What::role:
      if (change.role != Role::member && change.role != Role::admin)
        return fail(Code::invalid_argument, "a role is member or admin", "role");
      kept.role = change.role;
      [[fallthrough]];
    case What::owner:
      kept.users = std::move(change.users);
      if (kept.users.size() != 1)
        return fail(Code::invalid_argument, "name the one user whom this is about", field);
      return kept;
    case What::dissolved:
      return kept;
    case What::created:
      break;
  }
  return fail(Code::invalid_argument, "a group that is there cannot be changed like this",
              "change");
}

Result<void> judge(const Group& group, Role role, const GroupChange& change,
                   std::span<const GroupMember> targets) {
  PARLEY_TRY_VOID(may(role, change.what));
  const auto* field = users_field(change.what);
  if (is_about_members(change.what) && targets.size() != change.users.size())
    return fail(Code::not_found, "not a member of the group", field);
  if (change.what == What::added && !targets.empty())
    return fail(Code::already_exists, "a member of the group already", field);
  for (const auto& target : targets) PARLEY_TRY_VOID(may(role, change.what, target.role));
  if (change.what == What::added && group.members + change.users.size() > kMostMembers)
    return fail(Code::too_large, fmt::format("a group has at most {} members", kMostMembers),
                field);
  return {};
}

bool changes_nothing(const Group& group, const GroupChange& change,
                     std::span<const GroupMember> targets) {
  switch (change.what) {
    case What::title:
      return group.title == change.text;
    case What::picture:
      return group.picture == change.text;
    case What::role:
      return targets.front().role == change.role;
    case What::owner:
      return targets.front().role == Role::owner;
    default:
      return false;
  }
}

}  // namespace parley::group
