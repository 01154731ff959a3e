#include "app/seed_groups.h"

#include <boost/asio.hpp>
#include <fmt/format.h>

#include "app/process.h"
#include "app/services.h"
#include "domain/group_rules.h"

namespace parley::app {
namespace {

constexpr std::size_t kLoops = 2;
constexpr std::size_t kFeedPage = 1'000;
constexpr const char* kConsumer = "groups";  // of the feed: the group service

Result<void> make(Process& p) {
  for (const auto& row : services()) {
    if (!p.has(row.name)) continue;
    PARLEY_TRY_VOID(row.open(p));
    PARLEY_TRY_VOID(row.make(p));
  }
  p.loops->start();
  p.sessions->start();
  return p.messages->start();
}

void stop(Process& p) {
  wait_for([&](auto done) { p.groups->close(done); });
  wait_for([&](auto done) { p.messages->close(done); });
  p.notifications->stop();
  p.loops->stop();
}

Result<std::string> make_group(Process& p, const std::vector<UserId>& members, std::size_t number) {
  std::size_t done = std::min(members.size(), kUsersOfOneChange);
  GroupCreate first{members.front(), "", fmt::format("group {}", number), "", {}};
  first.members.assign(members.begin() + 1, members.begin() + static_cast<std::ptrdiff_t>(done));
  PARLEY_TRY(group, run_on_loop(*p.loops, [&] { return p.api.groups->create(first); }));
  while (done < members.size()) {
    const auto end = std::min(members.size(), done + kUsersOfOneChange);
    GroupChange more;
    more.what = GroupChange::What::added;
    more.users.assign(members.begin() + static_cast<std::ptrdiff_t>(done),
                      members.begin() + static_cast<std::ptrdiff_t>(end));
    PARLEY_TRY_VOID(run_on_loop(
        *p.loops, [&] { return p.api.groups->change(members.front(), group.id, more); }));
    done = end;
    fmt::print(stderr, "\rseed: group {} has {} members", number, done);
  }
  return ConversationId::group(group.id.value).text();
}

/// The feed's consumer begins after what was seeded.
Result<void> pass_the_feed(RocksdbConversationStore& store) {
  PARLEY_TRY(position, store.position(kConsumer));
  for (;;) {
    PARLEY_TRY(page, store.feed(position, kFeedPage, Feed::Of::all));
    position = page.next;
    if (page.entries.size() < kFeedPage) break;
  }
  store.set_position(kConsumer, position);
  return {};
}

}  // namespace

std::vector<std::size_t> members_of_group(const SeedPlan& plan, std::size_t group) {
  std::vector<std::size_t> members(plan.group_members);
  for (std::size_t i = 0; i < members.size(); ++i)
    members[i] = (group * plan.group_members + i) % plan.users;
  return members;
}

Result<std::vector<std::string>> seed_groups(const Config& config, const SeedPlan& plan,
                                             const std::vector<auth::SeededUser>& users) {
  if (plan.groups == 0) return {};
  SystemClock clock;
  // No gateway, and the feed is not consumed: nobody is told, or pushed.
  Targets targets;
  targets.names = {"session", "auth", "user", "notification", "message", "group"};
  Process p(config, clock, targets);
  p.loops = std::make_unique<Loops>(kLoops, config.server.pool_threads);
  PARLEY_TRY_VOID(make(p));
  Result<std::vector<std::string>> made{std::in_place};
  for (std::size_t g = 0; g < plan.groups && made; ++g) {
    std::vector<UserId> members;
    for (const auto i : members_of_group(plan, g)) members.push_back(users[i].user);
    auto conversation = make_group(p, members, g + 1);
    if (conversation)
      made->push_back(std::move(*conversation));
    else
      made = std::unexpected(std::move(conversation).error());
  }
  fmt::print(stderr, "\rseed: {} groups of {} members\n", plan.groups, plan.group_members);
  stop(p);
  if (made) PARLEY_TRY_VOID(pass_the_feed(*p.stores.conversations));
  return made;
}

}  // namespace parley::app
