// Stores on servers that the configuration names, instead of in the data folder.
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>

#include "tests/support/cassandra/keyspace.h"
#include "tests/support/mysql/database.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Stores : public ::testing::Test {
 protected:
  Stores() {
    test::run_on_mysql(database_.settings(), "DROP DATABASE " + database_.settings().database);
    std::ofstream(file()) << fmt::format(
        "[mysql]\naddress = \"{}\"\nuser = \"root\"\ndatabase = \"{}\"\n"
        "[cassandra]\naddresses = \"{}\"\nkeyspace = \"{}\"\nreplication = 1\n",
        database_.settings().address(), database_.settings().database,
        keyspace_.settings().contact_points, keyspace_.settings().keyspace);
  }
  std::string file() const { return (folder_.path() / "parley.toml").string(); }
  std::filesystem::path data() const { return folder_.path() / "data"; }
  Ended migrate() const { return run_program({parleyd_path(), "migrate", "--config", file()}); }

  TempFolder folder_;
  test::MysqlDatabase database_{{}};
  const test::Keyspace keyspace_{std::span<const cassandra::Migration>()};  // without tables
};

TEST_F(Stores, BeforeMigrateTheServerSaysWhatToRun) {
  const auto ended = run_program(
      {parleyd_path(), "--config", file(), "--data", data().string(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(ended.exit_code, 1) << ended.output;
  EXPECT_NE(ended.output.find("run `parleyd migrate --config FILE`"), std::string::npos)
      << ended.output;
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
}

TEST_F(Stores, PeopleAreInMysqlAndWhenTheyWereSeenInCassandra) {
  const auto migrated = migrate();
  ASSERT_EQ(migrated.exit_code, 0) << migrated.output;
  ServerProcess server(data(), {"--config", file()}, ServerProcess::Shape::as_asked);
  const auto ann = sign_up(server.port(), "ann"), bob = sign_up(server.port(), "bob");
  const auto talk = direct(ann.user_id(), bob.user_id());
  {
    Client client(server.port(), Client::Wire::pb);
    client.hello(ann.access_token());
    EXPECT_EQ(client.say(talk, "one", "hello").result().sent().seq(), 1U);
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  server.start();
  const auto again = sign_in(server.port(), "bob");
  EXPECT_EQ(again.user_id(), bob.user_id());
  Client client(server.port(), Client::Wire::pb);
  client.hello(again.access_token());
  v1::ClientFrame watch;
  watch.mutable_presence()->add_user_ids(ann.user_id());
  const auto seen = client.request(watch).presence();
  EXPECT_EQ(seen.user_id(), ann.user_id());
  EXPECT_FALSE(seen.online());
  EXPECT_GT(seen.last_seen_ms(), 0);
  for (const auto folder : {"accounts", "group", "notification", "presence"})
    EXPECT_FALSE(std::filesystem::exists(data() / folder)) << folder;
}

}  // namespace
}  // namespace parley::testing
