#include "services/group/group_service.h"

#include <boost/asio.hpp>
#include <map>

#include "base/log.h"
#include "domain/group_rules.h"
#include "domain/text.h"
#include "services/group/checks.h"

namespace parley::group {
namespace asio = boost::asio;
namespace {

constexpr std::uint32_t kRetryMs = 1'000;
constexpr int kJudgements = 8;  // each lost only to a change by another process
constexpr std::size_t kWholeOutbox = 1'000'000;

GroupView view_of(const GroupWithRole& found) {
  const auto& group = found.group;
  return {group.id,      group.title,   group.picture, group.owner,
          group.version, group.created, group.members, found.role.value_or(Role::member)};
}

std::unexpected<Error> no_group() { return fail(Code::not_found, "there is no such group"); }
std::unexpected<Error> stopping() {
  return fail_for(Code::unavailable, "the server is stopping", kRetryMs);
}

}  // namespace

GroupService::GroupService(Needs needs, Settings settings)
    : n_(std::move(needs)),
      settings_(settings),
      home_(n_.loops.size() - 1),
      gate_(n_.loops.at(home_).get_executor(), "group"),
      pauses_(n_.loops.at(home_)),
      lines_(n_.loops.at(home_).get_executor()),
      appender_(n_.store, n_.messages, n_.loops, pauses_, settings_),
      rooms_(n_.store, n_.loops, settings_),
      duty_({n_.clock, n_.messages, n_.notifications, n_.reach, settings_, rooms_, gate_, pauses_,
             n_.loops.at(home_).get_executor(),
             n_.metrics.counter("parley_group_push_decisions_total",
                                "Members of groups given to notification")}),
      consumer_({n_.clock, n_.feed, n_.messages, n_.reach, settings_, rooms_, duty_, gate_, pauses_,
                 n_.traces}) {}

Result<void> GroupService::start() {
  PARLEY_TRY(last_id, n_.store.last_id());
  ids_.start_after(last_id);
  return asio::co_spawn(n_.loops.at(home_), start_here(), asio::use_future).get();
}

Awaitable<Result<void>> GroupService::start_here() {
  PARLEY_CO_TRY(
      rows, co_await run_blocking(n_.loops.pool(), [&] { return n_.store.outbox(kWholeOutbox); }));
  for (auto& row : rows) {
    PARLEY_CO_TRY_VOID(co_await lines_.take(row.group));
    const auto appended = co_await append_in_turn(std::move(row));
    if (!appended)
      log::warn("group", "starts with changes that are not in their conversations yet: {}",
                appended.error().message);
  }
  co_return co_await consumer_.start();
}

void GroupService::close(std::function<void()> drained) {
  asio::post(n_.loops.at(home_), [this, drained = std::move(drained)]() mutable {
    pauses_.close();
    gate_.close([this, drained = std::move(drained)] {
      consumer_.keep_position();
      drained();
    });
  });
}

void GroupService::on_sessions(std::vector<SessionListener::Change> changes) {
  rooms_.on_sessions(changes, [this](Room& room, UserId user) { duty_.came(room, user); });
}

void GroupService::typing(UserId user, GroupId group) {
  n_.loops.run_on(home_, [this, user, group] {
    gate_.spawn([this, user, group] { return tell_typing(user, group); });
  });
}

Awaitable<void> GroupService::tell_typing(UserId user, GroupId group) {
  if (!rooms_.has(group)) {  // loaded for those alone whom it would serve
    const auto found = co_await seen(group, user);
    if (!found || found->group.members > kReceiptMembers) co_return;
  }
  const auto loaded = co_await rooms_.get(group);
  if (!loaded) co_return;
  const RoomPin room(rooms_, **loaded);
  if (!room->member(user) || room->size() > kReceiptMembers) co_return;
  std::map<GatewayId, std::vector<UserId>> others;
  for (const auto& online : room->online())
    if (online.user != user)
      for (const auto gateway : online.gateways) others[gateway].push_back(online.user);
  for (auto& [gateway, recipients] : others)
    if (auto* reached = n_.reach(gateway))
      reached->typing({{room->conversation, user, std::move(recipients)}});
}

Awaitable<Result<GroupView>> GroupService::at_home(Work work) {
  using Signature = void(Result<GroupView>);
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(
      [this](auto handler, Work call) {
        const auto executor = asio::get_associated_executor(handler);
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        const auto answer = [executor, kept](Result<GroupView> result) {
          asio::post(executor, [kept, result = std::move(result)]() mutable {
            std::move (*kept)(std::move(result));
          });
        };
        asio::post(n_.loops.at(home_), [this, answer, call = std::move(call)] {
          if (pauses_.closed()) return answer(stopping());
          gate_.spawn([answer, call]() -> Awaitable<void> { answer(co_await call()); });
        });
      },
      asio::use_awaitable, std::move(work));
}

Awaitable<Result<GroupView>> GroupService::create(GroupCreate request) {
  PARLEY_CO_TRY(wanted, checked(std::move(request)));
  co_return co_await at_home([this, wanted] { return create_here(wanted); });
}

Awaitable<Result<GroupView>> GroupService::create_here(GroupCreate request) {
  PARLEY_CO_TRY_VOID(co_await all_exist(request.members, "members"));
  const auto now = n_.clock.wall();
  const GroupId id(ids_.next(now));
  GroupChange change{GroupChange::What::created, 1, request.title, {request.owner}, Role::member};
  change.users.insert(change.users.end(), request.members.begin(), request.members.end());
  const Group group{id,
                    request.title,
                    request.picture,
                    request.owner,
                    change.version,
                    now,
                    static_cast<std::uint32_t>(change.users.size()),
                    false};
  // The turn is taken before the group can be known, so that a retry waits until it is appended.
  PARLEY_CO_TRY_VOID(co_await lines_.take(id));
  const auto made = co_await run_blocking(
      n_.loops.pool(), [&] { return n_.store.create(group, request.request, change); });
  if (made && made->id == id) {
    PARLEY_CO_TRY_VOID(co_await append_in_turn({id, request.owner, change}));
    co_return view_of({*made, Role::owner});
  }
  lines_.give(id);
  if (!made) co_return std::unexpected(made.error());
  // An earlier request made it: answered when it is appended.
  PARLEY_CO_TRY_VOID(co_await lines_.take(made->id));
  const auto found = co_await seen(made->id, request.owner);
  lines_.give(made->id);
  if (!found) co_return std::unexpected(found.error());
  co_return view_of(*found);
}

Awaitable<Result<GroupView>> GroupService::change(UserId actor, GroupId group, GroupChange change) {
  PARLEY_CO_TRY(wanted, checked(actor, std::move(change)));
  co_return co_await at_home(
      [this, actor, group, wanted] { return change_here(actor, group, wanted); });
}

Awaitable<Result<GroupView>> GroupService::change_here(UserId actor, GroupId group,
                                                       GroupChange change) {
  PARLEY_CO_TRY_VOID(co_await lines_.take(group));
  const auto made = co_await make_change(actor, group, std::move(change));
  if (made && made->stored) {
    PARLEY_CO_TRY_VOID(co_await append_in_turn(*made->stored));
  } else {
    lines_.give(group);
  }
  if (!made) co_return std::unexpected(made.error());
  co_return view_of(made->group);
}

Awaitable<Result<GroupService::Made>> GroupService::make_change(UserId actor, GroupId group,
                                                                GroupChange change) {
  using What = GroupChange::What;
  for (int left = kJudgements;; --left) {
    PARLEY_CO_TRY(found, co_await seen(group, actor));
    PARLEY_CO_TRY(targets, co_await run_blocking(n_.loops.pool(), [&] {
                    return n_.store.roles(group, change.users);
                  }));
    PARLEY_CO_TRY_VOID(judge(found.group, *found.role, change, targets));
    if (changes_nothing(found.group, change, targets)) co_return Made{found, std::nullopt};
    if (change.what == What::added)
      PARLEY_CO_TRY_VOID(co_await all_exist(change.users, users_field(change.what)));
    change.version = found.group.version + 1;
    const auto stored = co_await run_blocking(
        n_.loops.pool(), [&] { return n_.store.apply(group, actor, change, n_.clock.wall()); });
    if (!stored && stored.error().code == Code::conflict && left > 1) continue;
    if (!stored) co_return std::unexpected(stored.error());
    const GroupOutboxRow row{group, actor, change};
    if (change.what == What::left || change.what == What::dissolved) co_return Made{found, row};
    // It is stored, so it is appended, whatever becomes of this read.
    const auto now = co_await seen(group, actor);
    co_return Made{now ? *now : found, row};
  }
}

Awaitable<Result<void>> GroupService::append_in_turn(GroupOutboxRow row) {
  const auto done = co_await appender_.append(row, settings_.append_within);
  if (done) {
    lines_.give(row.group);
    co_return Result<void>{};
  }
  lines_.stall(row.group);
  if (!describe(done.error().code).retryable) {
    log::error("group", "a stored change cannot be appended group={} version={} error={}",
               row.group.value, row.change.version, done.error().message);
    co_return done;
  }
  append_in_background(std::move(row));
  co_return fail_for(Code::unavailable,
                     "the change is stored, and takes effect as soon as the group's conversation "
                     "can be written: it need not be made again",
                     kRetryMs);
}

void GroupService::append_in_background(GroupOutboxRow row) {
  gate_.spawn([this, row]() -> Awaitable<void> {
    const auto done = co_await appender_.append(row, std::chrono::milliseconds::max());
    if (done) lines_.give(row.group);
  });
}

Awaitable<Result<void>> GroupService::all_exist(std::vector<UserId> users, std::string field) {
  for (const auto user : users) {
    PARLEY_CO_TRY(exists, co_await n_.users.exists(user));
    if (!exists)
      co_return fail(Code::not_found, fmt::format("there is no user {}", user.value), field);
  }
  co_return Result<void>{};
}

Awaitable<Result<GroupWithRole>> GroupService::seen(GroupId group, UserId asker) {
  PARLEY_CO_TRY(
      found, co_await run_blocking(n_.loops.pool(), [&] { return n_.store.find(group, asker); }));
  if (!found || !found->role) co_return no_group();
  co_return *found;
}

Awaitable<Result<GroupView>> GroupService::view(UserId asker, GroupId group) {
  PARLEY_CO_TRY(found, co_await seen(group, asker));
  co_return view_of(found);
}

Awaitable<Result<std::vector<GroupView>>> GroupService::of(UserId user, GroupId after,
                                                           std::size_t limit) {
  PARLEY_CO_TRY(found, co_await run_blocking(n_.loops.pool(),
                                             [&] { return n_.store.of(user, after, limit); }));
  std::vector<GroupView> views;
  for (const auto& group : found) views.push_back(view_of(group));
  co_return views;
}

Awaitable<Result<std::vector<GroupMemberView>>> GroupService::members(UserId asker, GroupId group,
                                                                      UserId after,
                                                                      std::size_t limit) {
  PARLEY_CO_TRY_VOID(co_await seen(group, asker));
  PARLEY_CO_TRY(found, co_await run_blocking(
                           n_.loops.pool(), [&] { return n_.store.members(group, after, limit); }));
  std::vector<GroupMemberView> views;
  for (const auto& member : found) views.push_back({member.user, member.role, member.since});
  co_return views;
}

}  // namespace parley::group
