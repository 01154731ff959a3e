#pragma once
#include "api/group.h"
#include "rpc/link.h"
#include "rpc/router.h"

namespace parley::rpc {

/// GroupApi of another process: as calls, and typing over the link.
class GroupClient final : public GroupApi {
 public:
  explicit GroupClient(Link& link) : link_(link), channel_(link.channel()) {}

  Awaitable<Result<GroupView>> create(GroupCreate request) override;
  Awaitable<Result<GroupView>> change(UserId actor, GroupId group, GroupChange change) override;
  Awaitable<Result<GroupView>> view(UserId asker, GroupId group) override;
  Awaitable<Result<std::vector<GroupView>>> of(UserId user, GroupId after,
                                               std::size_t limit) override;
  Awaitable<Result<std::vector<GroupMemberView>>> members(UserId asker, GroupId group, UserId after,
                                                          std::size_t limit) override;
  void typing(UserId user, GroupId group) override;

 private:
  Link& link_;
  Channel& channel_;
};

/// Answers for the group service of this process.
void serve(Router& router, GroupApi& groups);

}  // namespace parley::rpc
