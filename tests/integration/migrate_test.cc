// `parleyd migrate`, as a person types it, against the real server.
#include <fstream>
#include <gtest/gtest.h>

#include "tests/support/mysql/database.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Migrate : public ::testing::Test {
 protected:
  void SetUp() override {
    test::run_on_mysql(database_.settings(), "DROP DATABASE " + database_.settings().database);
    write("");
  }
  void write(const std::string& more) {
    std::ofstream(file()) << "[mysql]\naddress = \"" << database_.settings().address()
                          << "\"\nuser = \"root\"\ndatabase = \"" << database_.settings().database
                          << "\"\n"
                          << more;
  }
  std::string file() const { return (folder_.path() / "parley.toml").string(); }
  static Ended parleyd(std::vector<std::string> arguments,
                       const std::map<std::string, std::string>& environment = {}) {
    arguments.insert(arguments.begin(), parleyd_path());
    return run_program(arguments, environment);
  }
  Ended migrate() const { return parleyd({"migrate", "--config", file()}); }

  TempFolder folder_;
  test::MysqlDatabase database_{{}};
};

TEST_F(Migrate, MakesEveryTableAndTwiceDoesNothing) {
  const auto first = migrate();
  EXPECT_EQ(first.exit_code, 0) << first.output;
  const auto end = "the MySQL database " + database_.settings().database + " at " +
                   database_.settings().address() + " is up to date\n";
  EXPECT_EQ(first.output,
            "accounts: schema 1\naccounts: schema 2\ngroups: schema 1\npushes: schema 1\n" + end);
  const auto second = migrate();
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.output, end);
}

TEST_F(Migrate, WhatIsWrongIsOneSentence) {
  const auto sentence = [](const Ended& ended, int code, const std::string& part) {
    EXPECT_EQ(ended.exit_code, code) << ended.output;
    EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
    EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
  };
  sentence(parleyd({"migrate"}), 2, "mysql.address and cassandra.addresses are not set");
  sentence(parleyd({"migrate", "--mysql-address", "nowhere"}), 2, "nowhere is not HOST:PORT");
  sentence(parleyd({"migrate", "--mysql-address", "127.0.0.1:1"}), 1,
           "MySQL at 127.0.0.1:1, database parley: the database cannot be reached");
  sentence(parleyd({"migrate", "--mysql-address", "127.0.0.1:1", "--mysql-database", "a`b"}), 2,
           "mysql.database has 1 to 64 letters");
  write("password_file = \"/nowhere\"\n");
  sentence(migrate(), 2, "/nowhere (mysql.password_file) cannot be read");
  write("password_file = \"/nowhere\"\npassword = \"hush\"\n");
  sentence(migrate(), 2, "leave out one of them");
  write("");
  const auto stranger = parleyd({"migrate", "--config", file(), "--mysql-user", "nobody_here"},
                                {{"PARLEY_MYSQL_PASSWORD", "hush"}});
  sentence(stranger, 1, "check mysql.user and mysql.password");
  EXPECT_EQ(stranger.output.find("hush"), std::string::npos);
}

TEST_F(Migrate, APasswordIsTakenFromAFileOrTheEnvironmentAndNeverPrinted) {
  const auto user = database_.settings().database;
  test::run_on_mysql(database_.settings(), "GRANT ALL ON " + user + ".* TO '" + user +
                                               "'@'127.0.0.1' IDENTIFIED BY 'it''s hush'");
  const auto as_user = [&](const std::map<std::string, std::string>& environment) {
    return parleyd({"migrate", "--config", file(), "--mysql-user", user}, environment);
  };
  EXPECT_EQ(as_user({}).exit_code, 1);
  EXPECT_EQ(as_user({{"PARLEY_MYSQL_PASSWORD", "it's hush"}}).exit_code, 0);
  const auto secret = folder_.path() / "secret";
  std::ofstream(secret) << "it's hush\n";
  write("password_file = \"" + secret.string() + "\"\n");
  EXPECT_EQ(as_user({}).exit_code, 0);
  test::run_on_mysql(database_.settings(), "DROP USER '" + user + "'@'127.0.0.1'");

  const auto printed = parleyd({"--print-config"}, {{"PARLEY_MYSQL_PASSWORD", "it's hush"}});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_EQ(printed.output.find("hush"), std::string::npos);
  EXPECT_NE(printed.output.find("password is set and not shown  # PARLEY_MYSQL_PASSWORD"),
            std::string::npos);
  EXPECT_EQ(parleyd({"--mysql-password", "hush", "--verify-config"}).exit_code, 2)
      << "everybody on the machine could read it";
}

}  // namespace
}  // namespace parley::testing
