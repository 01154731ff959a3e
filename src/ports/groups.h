#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/group_change.h"

namespace parley {

struct Group {
  GroupId id;
  std::string title;
  std::string picture;  // the id of an asset; empty: none
  UserId owner;
  std::uint64_t version = 0;  // of the last change
  TimeMs created;
  std::uint32_t members = 0;
  bool dissolved = false;

  bool operator==(const Group&) const = default;
};
struct GroupMember {
  UserId user;
  Role role = Role::member;
  TimeMs since;

  bool operator==(const GroupMember&) const = default;
};
/// A group, and the role that one user has in it.
struct GroupWithRole {
  Group group;
  std::optional<Role> role;  // none: not a member

  bool operator==(const GroupWithRole&) const = default;
};
/// A change that is committed here and may not be in the conversation's log yet.
struct GroupOutboxRow {
  GroupId group;
  UserId actor;
  GroupChange change;

  bool operator==(const GroupOutboxRow&) const = default;
};

/// Groups and their members: the truth of who is in a group. Blocking; any thread. Every call that
/// returns success is durable (synced); a failed one changed nothing. `storage_full`, `busy` and
/// `unavailable` may be tried again.
///
/// A change is stored with its outbox row in one transaction, if the group is still at the version
/// before it (`conflict` else: read again, judge again). The outbox row stays until `appended`.
/// Storing the same change again (same group, actor, version and content) succeeds and changes
/// nothing. A dissolved group has no members and does not change any more (`not_found`).
class GroupStore {
 public:
  virtual ~GroupStore() = default;

  /// `request`: the creator's own key, empty for none. If the creator made a group with it before,
  /// that group is returned and nothing is stored. `change`: what = created, version 1. `conflict`:
  /// another group has the id.
  virtual Result<Group> create(const Group& group, std::string_view request,
                               const GroupChange& change) = 0;
  /// Applies the change: its users become members, cease to be, or change their roles. `not_found`:
  /// no such group, or a user whom it is about is not a member (role, owner, removed, left);
  /// `already_exists`: one who is added is a member.
  virtual Result<void> apply(GroupId group, UserId actor, const GroupChange& change,
                             TimeMs now) = 0;

  /// The group and the role of `asker` in it. None: no such group.
  virtual Result<std::optional<GroupWithRole>> find(GroupId group, UserId asker) = 0;
  /// Roles of those of `users` who are members.
  virtual Result<std::vector<GroupMember>> roles(GroupId group,
                                                 const std::vector<UserId>& users) = 0;
  /// Members by rising user, after `after`; of a dissolved group those whom it had last, so that
  /// they can still be told.
  virtual Result<std::vector<GroupMember>> members(GroupId group, UserId after,
                                                   std::size_t limit) = 0;
  /// The groups in which a user is a member, by rising id, after `after`.
  virtual Result<std::vector<GroupWithRole>> of(UserId user, GroupId after, std::size_t limit) = 0;

  /// Changes not yet known to be in a log, by rising (group, version).
  virtual Result<std::vector<GroupOutboxRow>> outbox(std::size_t limit) = 0;
  virtual Result<void> appended(GroupId group, std::uint64_t version) = 0;
  /// No id above this was ever stored: new ids start after it, whatever the clock says.
  virtual Result<std::uint64_t> last_id() = 0;
};

}  // namespace parley
