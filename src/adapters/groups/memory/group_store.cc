#include "adapters/groups/memory/group_store.h"

namespace parley::groups {
namespace {

using What = GroupChange::What;

std::unexpected<Error> no_group() { return fail(Code::not_found, "there is no such group"); }

}  // namespace

MemoryGroupStore::Row* MemoryGroupStore::row(GroupId group) {
  const auto found = rows_.find(group);
  return found == rows_.end() ? nullptr : &found->second;
}

Result<Group> MemoryGroupStore::create(const Group& group, std::string_view request,
                                       const GroupChange& change) {
  const std::lock_guard lock(mutex_);
  const std::pair key(group.owner, std::string(request));
  if (const auto made = requests_.find(key); !request.empty() && made != requests_.end())
    return rows_.at(made->second).group;
  const GroupOutboxRow first{group.id, group.owner, change};
  if (const auto* same = row(group.id)) {
    if (same->changes.front() == first) return same->group;
    return fail(Code::conflict, "another group has this id");
  }
  Row made{group, {}, {first}};
  for (const auto user : change.users)
    made.members[user] = {user, user == group.owner ? Role::owner : Role::member, group.created};
  rows_.emplace(group.id, std::move(made));
  outbox_.emplace(std::pair(group.id, change.version), first);
  if (!request.empty()) requests_.emplace(key, group.id);
  return group;
}

Result<void> MemoryGroupStore::apply(GroupId group, UserId actor, const GroupChange& change,
                                     TimeMs now) {
  const std::lock_guard lock(mutex_);
  auto* found = row(group);
  if (!found) return no_group();
  const GroupOutboxRow next{group, actor, change};
  if (change.version != found->group.version + 1) {
    const bool same = change.version >= 1 && change.version <= found->changes.size() &&
                      found->changes[change.version - 1] == next;
    if (same) return {};
    return fail(Code::conflict, "the group has changed meanwhile");
  }
  if (found->group.dissolved) return no_group();
  Row changed = *found;
  PARLEY_TRY_VOID(apply_to(changed, change, now));
  changed.group.version = change.version;
  changed.changes.push_back(next);
  *found = std::move(changed);
  outbox_.emplace(std::pair(group, change.version), next);
  return {};
}

Result<void> MemoryGroupStore::apply_to(Row& row, const GroupChange& change, TimeMs now) {
  const bool joins = change.what == What::added;
  for (const auto user : change.users)
    if (row.members.contains(user) == joins)
      return joins ? fail(Code::already_exists, "is a member already", "users")
                   : fail(Code::not_found, "is not a member", "users");
  if (change.what == What::title) row.group.title = change.text;
  if (change.what == What::picture) row.group.picture = change.text;
  for (const auto user : change.users) {
    if (joins) row.members[user] = {user, Role::member, now};
    if (change.what == What::removed || change.what == What::left) row.members.erase(user);
    if (change.what == What::role) row.members[user].role = change.role;
    if (change.what == What::owner) {
      row.members[row.group.owner].role = Role::admin;
      row.members[user].role = Role::owner;
      row.group.owner = user;
    }
  }
  row.group.members = static_cast<std::uint32_t>(row.members.size());
  if (change.what == What::dissolved) {
    row.group.dissolved = true;
    row.group.members = 0;
  }
  return {};
}

Result<std::optional<GroupWithRole>> MemoryGroupStore::find(GroupId group, UserId asker) {
  const std::lock_guard lock(mutex_);
  const auto* found = row(group);
  if (!found) return std::nullopt;
  GroupWithRole answer{found->group, std::nullopt};
  const auto member = found->members.find(asker);
  if (member != found->members.end() && !found->group.dissolved) answer.role = member->second.role;
  return answer;
}

Result<std::vector<GroupMember>> MemoryGroupStore::roles(GroupId group,
                                                         const std::vector<UserId>& users) {
  const std::lock_guard lock(mutex_);
  std::vector<GroupMember> answer;
  const auto* found = row(group);
  if (!found || found->group.dissolved) return answer;
  for (const auto user : users)
    if (const auto member = found->members.find(user); member != found->members.end())
      answer.push_back(member->second);
  return answer;
}

Result<std::vector<GroupMember>> MemoryGroupStore::members(GroupId group, UserId after,
                                                           std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<GroupMember> answer;
  const auto* found = row(group);
  if (!found) return answer;
  for (auto at = found->members.upper_bound(after);
       at != found->members.end() && answer.size() < limit; ++at)
    answer.push_back(at->second);
  return answer;
}

Result<std::vector<GroupWithRole>> MemoryGroupStore::of(UserId user, GroupId after,
                                                        std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<GroupWithRole> answer;
  for (auto at = rows_.upper_bound(after); at != rows_.end() && answer.size() < limit; ++at) {
    const auto& [group, members, changes] = at->second;
    const auto member = members.find(user);
    if (member != members.end() && !group.dissolved) answer.push_back({group, member->second.role});
  }
  return answer;
}

Result<std::vector<GroupOutboxRow>> MemoryGroupStore::outbox(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<GroupOutboxRow> answer;
  for (auto at = outbox_.begin(); at != outbox_.end() && answer.size() < limit; ++at)
    answer.push_back(at->second);
  return answer;
}

Result<void> MemoryGroupStore::appended(GroupId group, std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  outbox_.erase({group, version});
  return {};
}

Result<std::uint64_t> MemoryGroupStore::last_id() {
  const std::lock_guard lock(mutex_);
  return rows_.empty() ? 0 : rows_.rbegin()->first.value;
}

}  // namespace parley::groups
