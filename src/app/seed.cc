#include "app/seed.h"

#include <filesystem>
#include <fmt/format.h>
#include <fmt/os.h>
#include <future>

#include "app/seed_groups.h"
#include "app/server.h"
#include "app/stores.h"
#include "base/clock.h"
#include "domain/snowflake.h"
#include "parley/v1/frames.pb.h"
#include "services/auth/seed.h"

namespace parley::app {
namespace {

constexpr std::size_t kEntriesPerCommit = 5'000;

/// The ring: everybody talks with the next ones, and so with the ones before.
std::vector<std::size_t> forward_peers(std::size_t i, const SeedPlan& plan) {
  std::vector<std::size_t> out;
  const auto reach = std::min(plan.conversations / 2, (plan.users - 1) / 2);
  for (std::size_t j = 1; j <= reach; ++j) out.push_back((i + j) % plan.users);
  // An odd number: one more, with the one on the other side.
  if (plan.conversations % 2 == 1 && plan.users % 2 == 0 && i < plan.users / 2)
    out.push_back(i + plan.users / 2);
  return out;
}

std::vector<std::size_t> peers_of(std::size_t i, const SeedPlan& plan) {
  auto out = forward_peers(i, plan);
  const auto reach = std::min(plan.conversations / 2, (plan.users - 1) / 2);
  for (std::size_t j = 1; j <= reach; ++j) out.push_back((i + plan.users - j) % plan.users);
  if (plan.conversations % 2 == 1 && plan.users % 2 == 0 && i >= plan.users / 2)
    out.push_back(i - plan.users / 2);
  return out;
}

/// Commits groups one after the other.
class Committer {
 public:
  Committer(RocksdbConversationStore& store, TimeMs now) : store_(store), now_(now) {}

  Result<void> add(Append append) {
    waiting_ += append.entries.size();
    group_.push_back(std::move(append));
    return waiting_ < kEntriesPerCommit ? Result<void>{} : commit();
  }
  Result<void> commit() {
    if (group_.empty()) return {};
    std::promise<Result<std::uint64_t>> promise;
    auto outcome = promise.get_future();
    store_.commit(store_.info().generation, now_, std::exchange(group_, {}),
                  [&promise](Result<std::uint64_t> r) { promise.set_value(std::move(r)); });
    PARLEY_TRY(position, outcome.get());
    // Nobody is to be pushed for what was seeded.
    store_.set_position("delivery", position);
    done_ += std::exchange(waiting_, 0);
    fmt::print(stderr, "\rseed: {} messages", done_);
    return {};
  }

 private:
  RocksdbConversationStore& store_;
  TimeMs now_;
  std::vector<Append> group_;
  std::size_t waiting_ = 0, done_ = 0;
};

Result<void> add_messages(RocksdbConversationStore& store,
                          const std::vector<auth::SeededUser>& users, const SeedPlan& plan,
                          TimeMs now) {
  Snowflake ids(1023, store.info().last_issued);
  Committer committer(store, now);
  parley::v1::Body body;
  for (std::size_t i = 0; i < users.size(); ++i) {
    for (auto j : forward_peers(i, plan)) {
      const UserId pair[] = {users[i].user, users[j].user};
      const auto conversation = ConversationId::direct(pair[0], pair[1]);
      for (std::size_t first = 0; first < plan.messages; first += kEntriesPerCommit) {
        Append append{conversation, {}, {pair[0], pair[1]}, false, {}};
        const auto end = std::min(plan.messages, first + kEntriesPerCommit);
        for (auto m = first + 1; m <= end; ++m) {
          const MessageId id(ids.next(now));
          body.set_text(fmt::format("message {} of this conversation", m));
          append.entries.push_back(std::make_shared<const Entry>(Entry{
              conversation, Seq(m), id, pair[m % 2], DeviceId(1), Snowflake::time_of(id.value),
              fmt::format("seed-{}", m), body.SerializeAsString(), m, EntryKind::message}));
        }
        for (auto user : pair)
          append.marks.push_back({conversation, user, Marks{Seq(end), Seq(end), end}});
        PARLEY_TRY_VOID(committer.add(std::move(append)));
      }
    }
  }
  PARLEY_TRY_VOID(committer.commit());
  fmt::print(stderr, "\n");
  return {};
}

Result<void> write_tokens(const std::string& path, const std::vector<auth::SeededUser>& users,
                          const SeedPlan& plan, const std::vector<std::string>& groups) {
  std::vector<std::string> groups_of(users.size());
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const auto i : members_of_group(plan, g))
      groups_of[i] += fmt::format("{}\"{}\"", groups_of[i].empty() ? "" : ",", groups[g]);
  try {
    auto out = fmt::output_file(path, fmt::file::WRONLY | fmt::file::CREATE | fmt::file::TRUNC);
    for (std::size_t i = 0; i < users.size(); ++i) {
      std::string peers;
      for (auto j : peers_of(i, plan))
        peers += fmt::format("{}\"{}\"", peers.empty() ? "" : ",", users[j].user.value);
      out.print(
          R"({{"user_id":"{}","device_id":"{}","name":"{}","access_token":"{}","peers":[{}],"groups":[{}]}})"
          "\n",
          users[i].user.value, users[i].device.value, users[i].name, users[i].access_token, peers,
          groups_of[i]);
    }
  } catch (const std::system_error& error) {
    return fail(Code::invalid_argument,
                fmt::format("{} cannot be written: {}", path, error.what()));
  }
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return {};
}

Result<auth::Seeded> seed_people(const Config& config, const SeedPlan& plan) {
  Stores stores;
  PARLEY_TRY_VOID(stores.open_conversations(config));
  PARLEY_TRY_VOID(stores.open_accounts(config));
  const SystemClock clock;
  auth::SeedSettings people;
  people.users = plan.users;
  PARLEY_TRY(seeded, auth::seed(
                         stores.accounts->accounts(), stores.accounts->devices(),
                         stores.accounts->secrets(), clock,
                         [&](auto accounts, auto password_hash, auto devices) {
                           return stores.accounts->add(accounts, password_hash, devices);
                         },
                         people));
  PARLEY_TRY_VOID(add_messages(*stores.conversations, seeded.users, plan, clock.wall()));
  return seeded;
}

}  // namespace

Result<void> seed(const Config& config, const SeedPlan& plan) {
  if (plan.groups > 0 && plan.group_members > plan.users)
    return fail(Code::invalid_argument,
                fmt::format("{} people make no group of {}: give more --users", plan.users,
                            plan.group_members));
  const std::filesystem::path data = config.server.data;
  if (std::filesystem::exists(data) && !std::filesystem::is_empty(data) &&
      !std::filesystem::exists(data / kTestDataMark))
    return fail(Code::invalid_argument,
                data.string() + " is in use and holds no test data: give a new folder by --data");
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (std::FILE* mark = std::fopen((data / kTestDataMark).c_str(), "w"))
    std::fclose(mark);
  else
    return fail(Code::invalid_argument,
                data.string() + " cannot be written: give another folder by --data");
  PARLEY_TRY(seeded, seed_people(config, plan));
  PARLEY_TRY(groups, seed_groups(config, plan, seeded.users));
  const auto tokens =
      plan.tokens_file.empty() ? (data / "tokens.jsonl").string() : plan.tokens_file;
  PARLEY_TRY_VOID(write_tokens(tokens, seeded.users, plan, groups));
  fmt::print(
      "{} people, each in {} conversations of {} messages; password of all: {}\ntokens: {}\n",
      plan.users, peers_of(0, plan).size(), plan.messages, seeded.password, tokens);
  return {};
}

}  // namespace parley::app
