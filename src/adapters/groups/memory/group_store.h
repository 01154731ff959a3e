#pragma once
#include <map>
#include <mutex>
#include <utility>

#include "ports/groups.h"

namespace parley::groups {

class MemoryGroupStore final : public GroupStore {
 public:
  Result<Group> create(const Group& group, std::string_view request,
                       const GroupChange& change) override;
  Result<void> apply(GroupId group, UserId actor, const GroupChange& change, TimeMs now) override;
  Result<std::optional<GroupWithRole>> find(GroupId group, UserId asker) override;
  Result<std::vector<GroupMember>> roles(GroupId group, const std::vector<UserId>& users) override;
  Result<std::vector<GroupMember>> members(GroupId group, UserId after, std::size_t limit) override;
  Result<std::vector<GroupWithRole>> of(UserId user, GroupId after, std::size_t limit) override;
  Result<std::vector<GroupOutboxRow>> outbox(std::size_t limit) override;
  Result<void> appended(GroupId group, std::uint64_t version) override;
  Result<std::uint64_t> last_id() override;

 private:
  struct Row {
    Group group;
    std::map<UserId, GroupMember> members;
    std::vector<GroupOutboxRow> changes;  // the one of version v at v - 1
  };
  Row* row(GroupId group);
  static Result<void> apply_to(Row& row, const GroupChange& change, TimeMs now);

  std::mutex mutex_;
  std::map<GroupId, Row> rows_;
  std::map<std::pair<UserId, std::string>, GroupId> requests_;
  std::map<std::pair<GroupId, std::uint64_t>, GroupOutboxRow> outbox_;
};

}  // namespace parley::groups
