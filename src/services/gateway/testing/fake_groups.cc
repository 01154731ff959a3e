#include <algorithm>
#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "services/gateway/testing/fakes.h"

namespace parley::gateway::testing {

void FakeGroups::add(GroupId group, std::vector<std::uint64_t> members) {
  const std::lock_guard lock(mutex_);
  for (const auto member : members) groups_[group].emplace_back(member);
}
void FakeGroups::fail_with(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}
std::vector<GroupCreate> FakeGroups::created() const {
  const std::lock_guard lock(mutex_);
  return created_;
}
std::vector<std::pair<UserId, GroupChange>> FakeGroups::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}
std::vector<std::pair<UserId, GroupId>> FakeGroups::typed() const {
  const std::lock_guard lock(mutex_);
  return typed_;
}

Result<GroupView> FakeGroups::view_locked(UserId asker, GroupId group) const {
  const auto at = groups_.find(group);
  if (at == groups_.end() || std::ranges::find(at->second, asker) == at->second.end())
    return fail(Code::not_found, "there is no such group", "group_id");
  if (error_) return std::unexpected(*error_);
  GroupView view;
  view.id = group;
  view.title = "Sailing";
  view.picture = "asset-9";
  view.owner = at->second.front();
  view.version = 1 + changes_.size();
  view.created = TimeMs(1'000);
  view.members = static_cast<std::uint32_t>(at->second.size());
  view.role = asker == view.owner ? Role::owner : Role::member;
  return view;
}

Awaitable<Result<GroupView>> FakeGroups::create(GroupCreate request) {
  const std::lock_guard lock(mutex_);
  if (error_) co_return std::unexpected(*error_);
  const GroupId group(900 + created_.size());
  groups_[group] = {request.owner};
  groups_[group].insert(groups_[group].end(), request.members.begin(), request.members.end());
  created_.push_back(request);
  co_return view_locked(request.owner, group);
}
Awaitable<Result<GroupView>> FakeGroups::change(UserId actor, GroupId group, GroupChange change) {
  const std::lock_guard lock(mutex_);
  auto view = view_locked(actor, group);
  if (view) changes_.emplace_back(actor, std::move(change));
  co_return view;
}
Awaitable<Result<GroupView>> FakeGroups::view(UserId asker, GroupId group) {
  const std::lock_guard lock(mutex_);
  co_return view_locked(asker, group);
}
Awaitable<Result<std::vector<GroupView>>> FakeGroups::of(UserId user, GroupId after,
                                                         std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<GroupView> out;
  for (const auto& [group, members] : groups_)
    if (auto view = view_locked(user, group); view && group > after && out.size() < limit)
      out.push_back(*view);
  co_return out;
}
Awaitable<Result<std::vector<GroupMemberView>>> FakeGroups::members(UserId asker, GroupId group,
                                                                    UserId after,
                                                                    std::size_t limit) {
  const std::lock_guard lock(mutex_);
  PARLEY_CO_TRY(view, view_locked(asker, group));
  auto members = groups_.at(group);
  std::ranges::sort(members);
  std::vector<GroupMemberView> out;
  for (const auto user : members)
    if (user > after && out.size() < limit)
      out.push_back({user, user == view.owner ? Role::owner : Role::member, TimeMs(1'000)});
  co_return out;
}
void FakeGroups::typing(UserId user, GroupId group) {
  const std::lock_guard lock(mutex_);
  typed_.emplace_back(user, group);
}

void FakePresence::set(std::uint64_t user, bool online, std::int64_t last_seen) {
  const std::lock_guard lock(mutex_);
  states_[UserId(user)] = {UserId(user), online, TimeMs(last_seen)};
}
void FakePresence::fail_with(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}
void FakePresence::before_answer(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  before_answer_ = std::move(call);
}
std::set<UserId> FakePresence::watched() const {
  const std::lock_guard lock(mutex_);
  return watched_;
}
std::size_t FakePresence::watches() const {
  const std::lock_guard lock(mutex_);
  return watches_;
}

void FakePresence::watch(GatewayId, std::vector<UserId> added, std::vector<UserId> removed) {
  const std::lock_guard lock(mutex_);
  ++watches_;
  for (const auto user : added) EXPECT_TRUE(watched_.insert(user).second) << user.value;
  for (const auto user : removed) EXPECT_EQ(watched_.erase(user), 1) << user.value;
}
Awaitable<Result<std::vector<PresenceView>>> FakePresence::of(std::vector<UserId> users) {
  std::vector<PresenceView> out;
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    if (error_) co_return std::unexpected(*error_);
    for (const auto user : users)
      out.push_back(states_.contains(user) ? states_[user] : PresenceView{user, false, {}});
    call = std::exchange(before_answer_, nullptr);
  }
  if (call) {
    call();
    // What was told meanwhile comes first.
    for (int i = 0; i < 2; ++i) co_await boost::asio::post(boost::asio::use_awaitable);
  }
  co_return out;
}

}  // namespace parley::gateway::testing
