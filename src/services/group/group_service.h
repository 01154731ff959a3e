#pragma once
#include "api/group.h"
#include "api/user.h"
#include "domain/snowflake.h"
#include "services/group/appender.h"
#include "services/group/feed_consumer.h"
#include "services/group/lines.h"

namespace parley::group {

/// Groups (api/group.h), the fan-out of their entries, and the duty to deliver these. Changes,
/// rooms and the feed's consumer live on one loop, the process's last one (`home`); calls hop to
/// it, reads do not. A change is durable in the store with its outbox row before it is appended;
/// what could not be appended is tried again for as long as the service runs, and first thing at
/// the next start; meanwhile the group does not change. `start` and `close` from outside the loops.
/// It is destroyed after the loops have ended.
class GroupService final : public GroupApi, public SessionListener {
 public:
  struct Needs {
    Loops& loops;
    const Clock& clock;
    GroupStore& store;
    MessageApi& messages;
    FeedApi& feed;
    UserApi& users;
    NotificationApi& notifications;
    ReachGateway reach;
    Metrics& metrics;
    Traces* traces = nullptr;  // null: nothing is traced
  };
  GroupService(Needs needs, Settings settings);

  /// The loop on which it listens to sessions (SessionApi::subscribe).
  std::size_t home() const { return home_; }
  /// Blocks: appends what the outbox has, then takes up the feed where the last process left it.
  Result<void> start();
  /// Ends the changes that run, then calls back on a loop. What comes later is `unavailable`.
  void close(std::function<void()> drained);

  Awaitable<Result<GroupView>> create(GroupCreate request) override;
  /// A title, picture, role or owner that the group has already: success, and no new version.
  Awaitable<Result<GroupView>> change(UserId actor, GroupId group, GroupChange change) override;
  Awaitable<Result<GroupView>> view(UserId asker, GroupId group) override;
  Awaitable<Result<std::vector<GroupView>>> of(UserId user, GroupId after,
                                               std::size_t limit) override;
  Awaitable<Result<std::vector<GroupMemberView>>> members(UserId asker, GroupId group, UserId after,
                                                          std::size_t limit) override;
  void typing(UserId user, GroupId group) override;
  void on_sessions(std::vector<SessionListener::Change> changes) override;

 private:
  /// What is to be answered, and what was stored for it.
  struct Made {
    GroupWithRole group;
    std::optional<GroupOutboxRow> stored;
  };
  using Work = std::function<Awaitable<Result<GroupView>>()>;

  Awaitable<Result<GroupView>> at_home(Work work);
  Awaitable<Result<GroupView>> create_here(GroupCreate request);
  Awaitable<Result<GroupView>> change_here(UserId actor, GroupId group, GroupChange change);
  Awaitable<Result<Made>> make_change(UserId actor, GroupId group, GroupChange change);
  Awaitable<Result<void>> all_exist(std::vector<UserId> users, std::string field);
  /// The group as the asker sees it; `not_found` for who is not in it.
  Awaitable<Result<GroupWithRole>> seen(GroupId group, UserId asker);
  /// Appends in the group's turn, and ends the turn: at once, or when it has come about.
  Awaitable<Result<void>> append_in_turn(GroupOutboxRow row);
  void append_in_background(GroupOutboxRow row);
  Awaitable<void> tell_typing(UserId user, GroupId group);
  Awaitable<Result<void>> start_here();

  Needs n_;
  const Settings settings_;
  const std::size_t home_;
  Gate gate_;
  Pauses pauses_;
  Snowflake ids_{0};
  Lines lines_;
  Appender appender_;
  Rooms rooms_;
  GroupDuty duty_;
  FeedConsumer consumer_;
};

}  // namespace parley::group
