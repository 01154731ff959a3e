#include "app/seed.h"

#include <fmt/format.h>
#include <fmt/os.h>

#include <filesystem>
#include <future>

#include "app/stores.h"
#include "base/clock.h"
#include "domain/snowflake.h"
#include "services/auth/access_token.h"

namespace parley::app {
namespace {

constexpr std::size_t kAccountsPerTransaction = 1'000;
constexpr std::size_t kEntriesPerCommit = 5'000;
constexpr std::chrono::hours kTokenLife{24 * 30};

struct Seeder {
  const SeedPlan& plan;
  Stores stores;
  TimeMs now;
  std::vector<UserId> users;

  Result<void> add_people(const Config& config, const std::string& tokens_file);
  Result<void> add_messages();
  Result<void> commit(std::vector<Append>& group);
  std::vector<std::size_t> peers_of(std::size_t i) const;
};

/// The ring: everybody talks with the next ones, and so with the ones before.
std::vector<std::size_t> forward_peers(std::size_t i, const SeedPlan& plan) {
  std::vector<std::size_t> out;
  const auto reach = std::min(plan.conversations / 2, (plan.users - 1) / 2);
  for (std::size_t j = 1; j <= reach; ++j) out.push_back((i + j) % plan.users);
  // An odd number: one more, with the one on the other side.
  if (plan.conversations % 2 == 1 && plan.users % 2 == 0 && i < plan.users / 2) out.push_back(i + plan.users / 2);
  return out;
}

std::vector<std::size_t> Seeder::peers_of(std::size_t i) const {
  std::vector<std::size_t> out;
  const auto reach = std::min(plan.conversations / 2, (plan.users - 1) / 2);
  for (std::size_t j = 1; j <= reach; ++j) {
    out.push_back((i + j) % plan.users);
    out.push_back((i + plan.users - j) % plan.users);
  }
  if (plan.conversations % 2 == 1 && plan.users % 2 == 0) out.push_back((i + plan.users / 2) % plan.users);
  return out;
}

Result<void> Seeder::commit(std::vector<Append>& group) {
  if (group.empty()) return {};
  std::promise<Result<std::uint64_t>> done;
  auto outcome = done.get_future();
  stores.conversations->commit(stores.conversations->info().generation, now, std::exchange(group, {}),
                               [&done](Result<std::uint64_t> r) { done.set_value(std::move(r)); });
  PARLEY_TRY(position, outcome.get());
  // Nobody is to be pushed for what was seeded.
  stores.conversations->set_position("delivery", position);
  return {};
}

Result<void> Seeder::add_messages() {
  Snowflake ids(1023, stores.conversations->info().last_issued);
  std::vector<Append> group;
  std::size_t waiting = 0, done = 0;
  for (std::size_t i = 0; i < users.size(); ++i) {
    for (auto j : forward_peers(i, plan)) {
      const auto conversation = ConversationId::direct(users[i], users[j]);
      for (std::size_t first = 0; first < plan.messages; first += kEntriesPerCommit) {
        Append append{conversation, {}, {users[i], users[j]}, {}};
        const auto end = std::min(plan.messages, first + kEntriesPerCommit);
        for (auto m = first; m < end; ++m) {
          const auto id = MessageId(ids.next(now));
          const auto text = fmt::format("message {} of this conversation", m + 1);
          append.entries.push_back(std::make_shared<const Entry>(Entry{
              conversation, Seq(m + 1), id, users[m % 2 ? i : j], DeviceId(1), Snowflake::time_of(id.value),
              fmt::format("seed-{}", m + 1), text_body(text), m + 1, EntryKind::message}));
        }
        for (auto user : {users[i], users[j]}) append.marks.push_back({conversation, user, Marks{Seq(end), Seq(end), end}});
        waiting += end - first;
        group.push_back(std::move(append));
        if (waiting >= kEntriesPerCommit) {
          // One commit of a conversation at a time: the next part waits for this one.
          PARLEY_TRY_VOID(commit(group));
          done += std::exchange(waiting, 0);
          fmt::print(stderr, "\rseed: {} messages", done);
        }
      }
    }
  }
  PARLEY_TRY_VOID(commit(group));
  fmt::print(stderr, "\rseed: {} messages\n", done + waiting);
  return {};
}

}  // namespace
}  // namespace parley::app
