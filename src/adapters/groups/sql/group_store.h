#pragma once
#include <memory>

#include "adapters/shared/sql/database.h"
#include "ports/groups.h"

namespace parley::groups {

/// The tables of the database that `SqlGroupStore` is given.
const sql::Schema& schema();

/// Groups in a database opened with `schema()`. Any thread.
class SqlGroupStore final : public GroupStore {
 public:
  explicit SqlGroupStore(std::unique_ptr<sql::Database> db) : db_(std::move(db)) {}

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
  std::unique_ptr<sql::Database> db_;
};

}  // namespace parley::groups
