// How a keyspace gets its schema, on the real server.
#include <fmt/format.h>
#include <thread>

#include "tests/contract/cassandra_session/fixture.h"

namespace parley::test {
namespace {

using cassandra::check_schema;
using cassandra::migrate;
using cassandra::Migration;
using testing::HasSubstr;

const Migration kSteps[] = {
    {1, {"CREATE TABLE IF NOT EXISTS one (k int PRIMARY KEY)"}},
    {2,
     {"CREATE TABLE IF NOT EXISTS two (k int PRIMARY KEY)",
      "ALTER TABLE one ADD IF NOT EXISTS v text"}},
};
const auto kFirst = std::span(kSteps).first(1);

TEST(CassandraMigrate, StepsAreRunOnce) {
  const Keyspace keyspace(kFirst);
  const auto session = keyspace.open();
  EXPECT_TRUE(check_schema(*session, kFirst));
  EXPECT_EQ(migrate(keyspace.settings(), 1, kSteps).value(), 2);
  EXPECT_TRUE(check_schema(*session, kSteps));
  EXPECT_TRUE(session->run("INSERT INTO one (k, v) VALUES (1, 'v')"));
  EXPECT_TRUE(session->run("DROP TABLE two"));
  EXPECT_EQ(migrate(keyspace.settings(), 1, kSteps).value(), 2);
  EXPECT_FALSE(session->run("SELECT k FROM two"));  // done is done
}

TEST(CassandraMigrate, EveryTableAsksAnotherReplicaSoon) {
  const Keyspace keyspace;
  const auto session = keyspace.open();
  const auto tables = session->run(fmt::format(
      "SELECT table_name, speculative_retry FROM system_schema.tables WHERE keyspace_name = '{}'",
      keyspace.settings().keyspace));
  ASSERT_TRUE(tables) << tables.error().message;
  std::size_t own = 0;
  for (std::size_t i = 0; i < tables->size(); ++i) {
    if (tables->at(i, 0).bytes() == "schema_version") continue;  // of migrating alone
    EXPECT_EQ(tables->at(i, 1).bytes(), "MIN(99p,100ms)") << tables->at(i, 0).bytes();
    ++own;
  }
  EXPECT_GE(own, 8u);
}

TEST(CassandraMigrate, ManyAtOnceAreAsOne) {
  Keyspace keyspace(std::span<const Migration>{});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(
        [&] { EXPECT_EQ(migrate(keyspace.settings(), 1, kSteps).value_or(0), 2); });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(check_schema(*keyspace.open(), kSteps));
}

TEST(CassandraMigrate, WhatIsMissingIsSaidWithTheCommand) {
  const Keyspace keyspace(kFirst);
  const auto session = keyspace.open();
  const auto missing = check_schema(*session, kSteps);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::unsupported);
  EXPECT_THAT(missing.error().message,
              testing::AllOf(HasSubstr("needs schema 2"), HasSubstr("found 1"),
                             HasSubstr("parleyd migrate --config FILE")));
}

TEST(CassandraMigrate, AMissingKeyspaceIsSaidWithTheCommand) {
  const Keyspace keyspace(kFirst);
  auto settings = keyspace.settings();
  settings.keyspace += "_not";
  const auto session = cassandra::Session::open(settings);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Code::unsupported);
  EXPECT_THAT(session.error().message,
              testing::AllOf(HasSubstr(settings.keyspace), HasSubstr(settings.contact_points),
                             HasSubstr("parleyd migrate --config FILE")));
}

TEST(CassandraMigrate, ANewerSchemaIsRefused) {
  const Keyspace keyspace(kSteps);
  const auto session = keyspace.open();
  const auto opened = check_schema(*session, kFirst);
  const auto migrated = migrate(keyspace.settings(), 1, kFirst);
  ASSERT_FALSE(opened);
  ASSERT_FALSE(migrated);
  for (const auto& error : {opened.error(), migrated.error()}) {
    EXPECT_EQ(error.code, Code::unsupported);
    EXPECT_THAT(error.message, HasSubstr("newer program"));
  }
}

TEST(CassandraMigrate, AStepThatFailsIsRunAgain) {
  const Migration broken[] = {
      {1, {"CREATE TABLE IF NOT EXISTS one (k int PRIMARY KEY)", "CREATE NONSENSE"}}};
  Keyspace keyspace(std::span<const Migration>{});
  EXPECT_FALSE(migrate(keyspace.settings(), 1, broken));
  EXPECT_EQ(migrate(keyspace.settings(), 1, kSteps).value(), 2);  // and its lock is free
}

}  // namespace
}  // namespace parley::test
