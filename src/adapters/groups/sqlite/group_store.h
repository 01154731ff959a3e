#pragma once
#include "adapters/shared/sqlite/database.h"
#include "ports/groups.h"

namespace parley::groups {

/// groups.db, opened. Any thread.
class SqliteGroupStore final : public GroupStore {
 public:
  /// Errors are one sentence for the person who starts the server (see sqlite::Database::open).
  static Result<std::unique_ptr<SqliteGroupStore>> open(std::filesystem::path folder);
  static Result<std::unique_ptr<SqliteGroupStore>> open(sqlite::Settings settings);

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
  explicit SqliteGroupStore(std::unique_ptr<sqlite::Database> db) : db_(std::move(db)) {}

  std::unique_ptr<sqlite::Database> db_;
};

}  // namespace parley::groups
