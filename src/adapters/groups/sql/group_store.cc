#include "adapters/groups/sql/group_store.h"

#include <algorithm>
#include <limits>

#include "adapters/groups/sql/group_rows.h"
#include "adapters/shared/sql/execute.h"

namespace parley::groups {
namespace {

using What = GroupChange::What;

std::unexpected<Error> no_group() { return fail(Code::not_found, "there is no such group"); }

long long rows(std::size_t limit) {
  return static_cast<long long>(std::min<std::size_t>(limit, std::numeric_limits<int>::max()));
}

std::optional<GroupWithRole> find_in(soci::session& s, GroupId group, UserId asker,
                                     const std::string& tail = "") {
  auto found = groups_where(s, asker, "WHERE g.id = :id" + tail, {number(group)});
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<GroupMember> roles_in(soci::session& s, GroupId group,
                                  const std::vector<UserId>& users) {
  std::vector<GroupMember> found;
  for (const auto user : users)
    std::ranges::copy(members_where(s, "WHERE group_id = :group AND user_id = :user",
                                    {number(group), number(user)}),
                      std::back_inserter(found));
  return found;
}

void set_role(soci::session& s, GroupId group, UserId user, Role role) {
  sql::execute(s,
               "UPDATE group_members SET role = :role WHERE group_id = :group "
               "AND user_id = :user",
               static_cast<long long>(role), number(group), number(user));
}

// The change is the next one, and its users are members or not, as it wants them.
void apply_in(soci::session& s, Group group, const GroupChange& change, TimeMs now) {
  const auto count = static_cast<std::uint32_t>(change.users.size());
  group.version = change.version;
  switch (change.what) {
    case What::created:
      break;
    case What::title:
      group.title = change.text;
      break;
    case What::picture:
      group.picture = change.text;
      break;
    case What::added:
      for (const auto user : change.users) put_member(s, group.id, {user, Role::member, now});
      group.members += count;
      break;
    case What::removed:
    case What::left:
      for (const auto user : change.users)
        sql::execute(s, "DELETE FROM group_members WHERE group_id = :group AND user_id = :user",
                     number(group.id), number(user));
      group.members -= count;
      break;
    case What::role:
      for (const auto user : change.users) set_role(s, group.id, user, change.role);
      break;
    case What::owner:
      set_role(s, group.id, group.owner, Role::admin);
      set_role(s, group.id, change.users.front(), Role::owner);
      group.owner = change.users.front();
      break;
    case What::dissolved:
      group.members = 0;
      group.dissolved = true;
      break;
  }
  update_group(s, group);
}

}  // namespace

Result<Group> SqlGroupStore::create(const Group& group, std::string_view request,
                                    const GroupChange& change) {
  const std::string key(request);
  return db_->write([&](soci::session& s) -> Result<Group> {
    const long long owner = number(group.owner);
    long long made = 0;
    if (!key.empty())
      s << "SELECT group_id FROM group_requests WHERE owner = :owner AND request = :request",
          soci::use(owner), soci::use(key), soci::into(made);
    if (made != 0)
      return find_in(s, GroupId(static_cast<std::uint64_t>(made)), group.owner).value().group;
    const GroupOutboxRow first{group.id, group.owner, change};
    if (const auto same = find_in(s, group.id, group.owner)) {
      if (is_stored(s, first)) return same->group;
      return fail(Code::conflict, "another group has this id");
    }
    insert_group(s, group);
    for (const auto user : change.users)
      put_member(s, group.id,
                 {user, user == group.owner ? Role::owner : Role::member, group.created});
    put_change(s, first);
    if (!key.empty())
      sql::execute(s,
                   "INSERT INTO group_requests (owner, request, group_id) "
                   "VALUES (:owner, :request, :group)",
                   owner, key, number(group.id));
    return group;
  });
}

Result<void> SqlGroupStore::apply(GroupId group, UserId actor, const GroupChange& change,
                                  TimeMs now) {
  return db_->write([&](soci::session& s) -> Result<void> {
    // Whoever changes a group or its members holds the group's row.
    const auto found = find_in(s, group, actor, sql::for_update(s));
    if (!found) return no_group();
    const GroupOutboxRow next{group, actor, change};
    if (change.version != found->group.version + 1) {
      if (is_stored(s, next)) return {};
      return fail(Code::conflict, "the group has changed meanwhile");
    }
    if (found->group.dissolved) return no_group();
    const auto members = roles_in(s, group, change.users).size();
    if (change.what == What::added && members != 0)
      return fail(Code::already_exists, "is a member already", "users");
    if (change.what != What::added && members != change.users.size())
      return fail(Code::not_found, "is not a member", "users");
    apply_in(s, found->group, change, now);
    put_change(s, next);
    return {};
  });
}

Result<std::optional<GroupWithRole>> SqlGroupStore::find(GroupId group, UserId asker) {
  return db_->read([&](soci::session& s) -> Result<std::optional<GroupWithRole>> {
    return find_in(s, group, asker);
  });
}

Result<std::vector<GroupMember>> SqlGroupStore::roles(GroupId group,
                                                      const std::vector<UserId>& users) {
  return db_->read([&](soci::session& s) -> Result<std::vector<GroupMember>> {
    const auto found = find_in(s, group, UserId(0));
    if (!found || found->group.dissolved) return std::vector<GroupMember>{};
    return roles_in(s, group, users);
  });
}

Result<std::vector<GroupMember>> SqlGroupStore::members(GroupId group, UserId after,
                                                        std::size_t limit) {
  return db_->read([&](soci::session& s) -> Result<std::vector<GroupMember>> {
    return members_where(s,
                         "WHERE group_id = :group AND user_id > :after ORDER BY user_id "
                         "LIMIT :limit",
                         {number(group), number(after), rows(limit)});
  });
}

Result<std::vector<GroupWithRole>> SqlGroupStore::of(UserId user, GroupId after,
                                                     std::size_t limit) {
  return db_->read([&](soci::session& s) -> Result<std::vector<GroupWithRole>> {
    return groups_where(s, user,
                        "WHERE m.user_id IS NOT NULL AND g.id > :after AND g.dissolved = 0 "
                        "ORDER BY g.id LIMIT :limit",
                        {number(after), rows(limit)});
  });
}

Result<std::vector<GroupOutboxRow>> SqlGroupStore::outbox(std::size_t limit) {
  return db_->read([&](soci::session& s) -> Result<std::vector<GroupOutboxRow>> {
    return outbox_rows(s, rows(limit));
  });
}

Result<void> SqlGroupStore::appended(GroupId group, std::uint64_t version) {
  return db_->write([&](soci::session& s) -> Result<void> {
    sql::execute(s, "DELETE FROM group_outbox WHERE group_id = :group AND version = :version",
                 number(group), static_cast<long long>(version));
    return {};
  });
}

Result<std::uint64_t> SqlGroupStore::last_id() {
  return db_->read([&](soci::session& s) -> Result<std::uint64_t> {
    long long id = 0;
    s << "SELECT COALESCE(MAX(id), 0) FROM chat_groups", soci::into(id);
    return static_cast<std::uint64_t>(id);
  });
}

}  // namespace parley::groups
