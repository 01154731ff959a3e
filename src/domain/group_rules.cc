#include "domain/group_rules.h"

namespace parley {

Result<void> may(Role actor, GroupChange::What change, Role target) {
  using What = GroupChange::What;
  const auto refuse = [](const char* why) { return fail(Code::forbidden, why); };
  switch (change) {
    case What::created:
      return {};
    case What::title:
    case What::picture:
    case What::added:
      if (actor == Role::member)
        return refuse("only the owner and admins of the group may do this");
      return {};
    case What::removed:
      if (target == Role::owner) return refuse("the owner of a group cannot be removed");
      if (actor == Role::member) return refuse("only the owner and admins may remove members");
      if (actor == Role::admin && target == Role::admin)
        return refuse("only the owner may remove an admin");
      return {};
    case What::left:
      if (actor == Role::owner)
        return refuse("the owner cannot leave: give the group to another member, or dissolve it");
      return {};
    case What::role:
      if (actor != Role::owner) return refuse("only the owner may change roles");
      if (target == Role::owner) return refuse("the owner's role changes by giving the group away");
      return {};
    case What::owner:
      if (actor != Role::owner) return refuse("only the owner may give the group away");
      return {};
    case What::dissolved:
      if (actor != Role::owner) return refuse("only the owner may dissolve the group");
      return {};
  }
  return fail(Code::internal, "an unknown change of a group");
}

GroupState after(const GroupState& before, const GroupChange& change) {
  using What = GroupChange::What;
  GroupState state = before;
  const auto users = static_cast<std::uint32_t>(change.users.size());
  if (change.what == What::created) state.members = users;
  if (change.what == What::added) state.members += users;
  if (change.what == What::removed || change.what == What::left) state.members -= users;
  if (change.what == What::dissolved) {
    state.members = 0;
    state.dissolved = true;
  }
  state.version = change.version;
  state.wide = state.wide || state.members > kInboxMembers;
  return state;
}

}  // namespace parley
