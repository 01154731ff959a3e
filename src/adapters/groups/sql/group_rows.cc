#include "adapters/groups/sql/group_rows.h"

#include <charconv>
#include <fmt/format.h>

#include "adapters/shared/sql/execute.h"
#include "domain/text.h"

namespace parley::groups {
namespace {

std::string text_of(const std::vector<UserId>& users) {
  std::string text;
  for (const auto user : users) text += fmt::format("{} ", user.value);
  return text;
}

std::vector<UserId> users_of(const std::string& text) {
  std::vector<UserId> users;
  for (const char* at = text.data(); at < text.data() + text.size(); ++at) {
    std::uint64_t user = 0;
    at = std::from_chars(at, text.data() + text.size(), user).ptr;
    users.emplace_back(user);
  }
  return users;
}

long long hash_of(const GroupOutboxRow& row) {
  const auto& change = row.change;
  return static_cast<long long>(
      hash_bytes(fmt::format("{} {} {} {}{}", row.actor.value, static_cast<int>(change.what),
                             static_cast<int>(change.role), text_of(change.users), change.text)));
}

// SOCI binds addresses: the parameters live as long as the statement.
void bind(soci::statement& statement, const std::vector<long long>& parameters) {
  for (const auto& parameter : parameters) statement.exchange(soci::use(parameter));
}

}  // namespace

std::vector<GroupWithRole> groups_where(soci::session& s, UserId asker, const std::string& tail,
                                        const std::vector<long long>& parameters) {
  std::vector<GroupWithRole> found;
  const long long user = number(asker);
  long long id = 0, owner = 0, version = 0, created = 0, members = 0, dissolved = 0, role = 0;
  std::string title, picture;
  soci::statement select(s);
  select.exchange(soci::use(user));
  bind(select, parameters);
  for (auto* number : {&id, &owner, &version, &created, &members, &dissolved, &role})
    select.exchange(soci::into(*number));
  select.exchange(soci::into(title));
  select.exchange(soci::into(picture));
  select.alloc();
  select.prepare(
      "SELECT g.id, g.owner, g.version, g.created_ms, g.members, g.dissolved, "
      "COALESCE(m.role, 0), g.title, g.picture FROM chat_groups g "
      "LEFT JOIN group_members m ON m.group_id = g.id AND m.user_id = :user " +
      tail);
  select.define_and_bind();
  select.execute();
  while (select.fetch()) {
    GroupWithRole row{
        {GroupId(static_cast<std::uint64_t>(id)), title, picture,
         UserId(static_cast<std::uint64_t>(owner)), static_cast<std::uint64_t>(version),
         TimeMs(created), static_cast<std::uint32_t>(members), dissolved != 0},
        std::nullopt};
    if (role != 0 && dissolved == 0) row.role = static_cast<Role>(role);
    found.push_back(std::move(row));
  }
  return found;
}

std::vector<GroupMember> members_where(soci::session& s, const std::string& tail,
                                       const std::vector<long long>& parameters) {
  std::vector<GroupMember> found;
  long long user = 0, role = 0, since = 0;
  soci::statement select(s);
  bind(select, parameters);
  for (auto* number : {&user, &role, &since}) select.exchange(soci::into(*number));
  select.alloc();
  select.prepare("SELECT user_id, role, since_ms FROM group_members " + tail);
  select.define_and_bind();
  select.execute();
  while (select.fetch())
    found.push_back(
        {UserId(static_cast<std::uint64_t>(user)), static_cast<Role>(role), TimeMs(since)});
  return found;
}

std::vector<GroupOutboxRow> outbox_rows(soci::session& s, long long limit) {
  std::vector<GroupOutboxRow> found;
  long long group = 0, version = 0, actor = 0, what = 0, role = 0;
  std::string content, users;
  soci::statement select =
      (s.prepare << "SELECT group_id, version, actor, what, role, content, users FROM group_outbox "
                    "ORDER BY group_id, version LIMIT :limit",
       soci::use(limit), soci::into(group), soci::into(version), soci::into(actor),
       soci::into(what), soci::into(role), soci::into(content), soci::into(users));
  select.execute();
  while (select.fetch())
    found.push_back(
        {GroupId(static_cast<std::uint64_t>(group)), UserId(static_cast<std::uint64_t>(actor)),
         GroupChange{static_cast<GroupChange::What>(what), static_cast<std::uint64_t>(version),
                     content, users_of(users), static_cast<Role>(role)}});
  return found;
}

bool is_stored(soci::session& s, const GroupOutboxRow& row) {
  const long long group = number(row.group), version = static_cast<long long>(row.change.version);
  long long hash = 0;
  soci::statement select =
      (s.prepare << "SELECT hash FROM group_changes WHERE group_id = :group AND version = :version",
       soci::use(group), soci::use(version), soci::into(hash));
  return select.execute(true) && hash == hash_of(row);
}

void put_change(soci::session& s, const GroupOutboxRow& row) {
  const auto& change = row.change;
  const long long group = number(row.group), version = static_cast<long long>(change.version);
  sql::execute(s,
               "INSERT INTO group_changes (group_id, version, hash) "
               "VALUES (:group, :version, :hash)",
               group, version, hash_of(row));
  sql::execute(s,
               "INSERT INTO group_outbox (group_id, version, actor, what, content, users, role) "
               "VALUES (:group, :version, :actor, :what, :content, :users, :role)",
               group, version, number(row.actor), static_cast<long long>(change.what), change.text,
               text_of(change.users), static_cast<long long>(change.role));
}

void insert_group(soci::session& s, const Group& group) {
  sql::execute(s,
               "INSERT INTO chat_groups (id, title, picture, owner, version, created_ms, members, "
               "dissolved) "
               "VALUES (:id, :title, :picture, :owner, :version, :created, :members, :dissolved)",
               number(group.id), group.title, group.picture, number(group.owner),
               static_cast<long long>(group.version), number(group.created),
               static_cast<long long>(group.members), static_cast<long long>(group.dissolved));
}

void update_group(soci::session& s, const Group& group) {
  sql::execute(s,
               "UPDATE chat_groups SET title = :title, picture = :picture, owner = :owner, "
               "version = :version, members = :members, dissolved = :dissolved WHERE id = :id",
               group.title, group.picture, number(group.owner),
               static_cast<long long>(group.version), static_cast<long long>(group.members),
               static_cast<long long>(group.dissolved), number(group.id));
}

void put_member(soci::session& s, GroupId group, const GroupMember& member) {
  sql::execute(s,
               "INSERT INTO group_members (group_id, user_id, role, since_ms) "
               "VALUES (:group, :user, :role, :since)",
               number(group), number(member.user), static_cast<long long>(member.role),
               number(member.since));
}

}  // namespace parley::groups
