#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/auth.h"
#include "domain/conversation_id.h"
#include "domain/group_change.h"

namespace parley {

struct GroupView {
  GroupId id;
  std::string title, picture;
  UserId owner;
  std::uint64_t version = 0;
  TimeMs created;
  std::uint32_t members = 0;
  Role role = Role::member;  // of the asker
};
struct GroupMemberView {
  UserId user;
  Role role = Role::member;
  TimeMs since;
};
struct GroupCreate {
  UserId owner;
  std::string request;  // the creator's idempotency key; empty: none
  std::string title, picture;
  std::vector<UserId> members;  // besides the owner
};

/// Groups: who is in them and who may do what (domain/group_rules.h). A change is answered when it
/// is both durable and an entry of the group's conversation. Coroutines run on the caller's
/// executor. Errors: invalid_argument (with the field), not_found (no such group, or the asker is
/// not in it: the two look alike; or a user whom the change is about is unknown or not a member),
/// forbidden, already_exists (is a member), too_large (members), unavailable, storage_full.
class GroupApi {
 public:
  virtual ~GroupApi() = default;
  virtual Awaitable<Result<GroupView>> create(GroupCreate request) = 0;
  /// `change`: anything but `created`; its version is chosen here. Answers the group as it is then
  /// (for who left or dissolved it: as it was).
  virtual Awaitable<Result<GroupView>> change(UserId actor, GroupId group, GroupChange change) = 0;
  virtual Awaitable<Result<GroupView>> view(UserId asker, GroupId group) = 0;
  virtual Awaitable<Result<std::vector<GroupView>>> of(UserId user, GroupId after,
                                                       std::size_t limit) = 0;
  virtual Awaitable<Result<std::vector<GroupMemberView>>> members(UserId asker, GroupId group,
                                                                  UserId after,
                                                                  std::size_t limit) = 0;
  /// Tells the other members that are online, if the user is a member and the group has at most
  /// kReceiptMembers members; else nothing. Best effort; any loop.
  virtual void typing(UserId user, GroupId group) = 0;
};

}  // namespace parley
