#include "tests/fault/mysql/writer.h"

#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "adapters/shared/mysql/database.h"
#include "tests/support/contract/over.h"

namespace parley::test {
namespace {

using What = GroupChange::What;

const UserId kOwner(7);

Push push_of(std::uint64_t user, std::uint64_t seq) {
  return {UserId(user), ConversationId::direct(UserId(user), UserId(user)), Seq(seq), TimeMs(1)};
}
std::string hash_of(std::uint64_t round) { return fmt::format("hash{}", round); }

Result<void> without_value(const auto& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

const std::vector<const sql::Schema*>& mysql_schemas() {
  static const std::vector<const sql::Schema*> kAll = {
      &parley::accounts::schema(), &parley::groups::schema(), &parley::push::schema()};
  return kAll;
}

MysqlStores::MysqlStores(const mysql::Settings& settings)
    : accounts(over<parley::accounts::SqlAccounts>(
                   mysql::Database::open(settings, parley::accounts::schema()))
                   .value()),
      groups(over<parley::groups::SqlGroupStore>(
                 mysql::Database::open(settings, parley::groups::schema()))
                 .value()),
      pushes(
          over<parley::push::SqlPushSink>(mysql::Database::open(settings, parley::push::schema()))
              .value()) {}

Account Writer::account(std::uint64_t round) const {
  const auto id = number_ * 1'000'000 + round;
  return {UserId(id), fmt::format("user{}", id), "Ann", "", TimeMs(1)};
}

void Writer::retry(const std::function<Result<void>()>& call) {
  for (;;) {
    const auto began = std::chrono::steady_clock::now();
    const auto result = call();
    if (result) return;
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
    EXPECT_GT(result.error().retry_after_ms, 0u) << result.error().message;
    if (result.error().code == Code::unavailable)
      ++unavailable;
    else
      ++unexpected[result.error().code];
    if (unexpected.size() > 3) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // as a caller waits, only shorter
  }
}

void Writer::run() {
  const GroupId club(number_);
  const DeviceId phone(number_);
  auto& devices = stores_.accounts->devices();
  retry([&] {
    return devices.add({phone, kOwner, "phone", TimeMs(1), TimeMs(1), hash_of(0), "", TimeMs(9)});
  });
  retry([&] {
    return without_value(stores_.groups->create(
        {club, "Club", "", kOwner, 1, TimeMs(1), 1, false}, fmt::format("key{}", number_),
        {What::created, 1, "Club", {kOwner}, Role::member}));
  });
  for (; !stop_; ++rounds) {
    const std::uint64_t next = rounds + 1;
    retry([&] { return stores_.accounts->accounts().create(account(next), "hash"); });
    retry([&]() -> Result<void> {
      PARLEY_TRY(swapped, devices.rotate(phone, hash_of(rounds),
                                         {hash_of(next), hash_of(rounds), TimeMs(2), TimeMs(9)}));
      PARLEY_TRY(stored, devices.by_id(phone));
      // Not swapped now: then by the attempt whose answer was lost.
      EXPECT_TRUE(stored && stored->refresh_hash == hash_of(next)) << swapped;
      return {};
    });
    retry([&] {
      return stores_.groups->apply(
          club, kOwner, {What::added, next + 1, "", {UserId(1'000 + next)}, Role::member},
          TimeMs(2));
    });
    retry([&] {
      return stores_.pushes->record({push_of(number_, 2 * next), push_of(number_, 2 * next + 1)});
    });
  }
}

void Writer::verify(MysqlStores& stores) const {
  EXPECT_EQ(unexpected, (std::map<Code, int>{}));
  for (std::uint64_t i = 1; i <= rounds; ++i)
    EXPECT_EQ(stores.accounts->accounts().by_id(account(i).id).value(), account(i));
  EXPECT_EQ(stores.accounts->devices().by_id(DeviceId(number_)).value().value().refresh_hash,
            hash_of(rounds));
  const GroupId club(number_);
  const auto group = stores.groups->find(club, kOwner).value().value().group;
  EXPECT_EQ(group.version, rounds + 1);
  EXPECT_EQ(group.members, rounds + 1);
  EXPECT_EQ(stores.groups->members(club, UserId(0), 100'000).value().size(), rounds + 1);
  std::set<std::uint64_t> outbox;
  for (const auto& row : stores.groups->outbox(100'000).value())
    if (row.group == club) outbox.insert(row.change.version);
  EXPECT_EQ(outbox.size(), rounds + 1);
  EXPECT_EQ(stores.pushes->of(UserId(number_)).value().size(), 2 * rounds);
}

}  // namespace parley::test
