// What a person who starts the server is told.
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

Ended parleyd(std::vector<std::string> arguments,
              const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), parleyd_path());
  return run_program(arguments, environment);
}
/// One sentence: one line, naming what is wrong.
void expect_sentence(const Ended& ended, int code, const std::string& part) {
  EXPECT_EQ(ended.exit_code, code) << ended.output;
  EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
}

TEST(Startup, WrongSettingsAreOneSentenceWithFileAndLine) {
  TempFolder folder;
  const auto file = (folder.path() / "parley.toml").string();
  std::ofstream(file) << "[server]\n\nlisen = \"x\"\n";
  expect_sentence(parleyd({"--config", file, "--verify-config"}), 2,
                  "parley.toml:3: there is no setting server.lisen");
  std::ofstream(file) << "[services]\nmesage = \"127.0.0.1:7101\"\n";
  expect_sentence(parleyd({"--config", file, "--target", "session"}), 2,
                  "parley.toml:2: there is no setting services.mesage: [services] has session, "
                  "presence, auth, notification, message, group");
  expect_sentence(parleyd({"--listen", "nonsense", "--verify-config"}), 2,
                  "nonsense is not ADDRESS:PORT");
  expect_sentence(parleyd({"--listen", "0.0.0.0:7070", "--verify-config"}), 2, "no TLS");
  expect_sentence(parleyd({"--config", "/nowhere.toml"}), 2, "/nowhere.toml: cannot be opened");
  expect_sentence(parleyd({"--target", "gatway"}), 2, "there are all, session");
  expect_sentence(parleyd({"--target", "gateway"}), 2, "[services] message = ");
  std::ofstream(file) << "[gateways]\none = \"127.0.0.1:7201\"\n";
  expect_sentence(
      parleyd({"--config", file, "--target", "session", "--services-session", "127.0.0.1:7101"}), 2,
      "one is not the number of a gateway");
  EXPECT_EQ(parleyd({"--no-such-flag"}).exit_code, 2);
}

TEST(Startup, WhereAuthAndUserAreIsCheckedBeforeAnythingStarts) {
  const auto verify = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"--verify-config", "--target"});
    return parleyd(std::move(more));
  };
  const std::string two = "127.0.0.1:7103,127.0.0.1:7203";
  const auto mysql = {"--mysql-address", "127.0.0.1:3306"};
  const auto with_mysql = [&](std::vector<std::string> more) {
    more.insert(more.end(), mysql.begin(), mysql.end());
    return verify(std::move(more));
  };
  expect_sentence(verify({"user"}), 2, "[services] auth = ");
  expect_sentence(verify({"auth", "--services-auth", "zookeeper"}), 2,
                  "services.auth = \"zookeeper\" and zookeeper.addresses is not set");
  expect_sentence(verify({"auth", "--services-auth", "127.0.0.1:7103,nonsense"}), 2,
                  "nonsense is not ADDRESS:PORT");
  expect_sentence(verify({"auth", "--services-auth", two}), 2, "set mysql.address");
  expect_sentence(with_mysql({"auth", "--services-auth", two}), 2, "services.listen is needed");
  for (const auto* nowhere : {"0.0.0.0:7103", "[::]:7103", "127.0.0.1:0"})
    expect_sentence(with_mysql({"auth", "--services-auth", two, "--services-listen", nowhere}), 2,
                    std::string("services.listen = \"") + nowhere + "\" is no address");
  for (const auto& good : {std::vector<std::string>{"auth", "--services-auth", "127.0.0.1:7103"},
                           {"auth,user", "--services-auth", "127.0.0.1:7103"}})
    EXPECT_EQ(verify(good).exit_code, 0);
  expect_sentence(
      with_mysql({"auth", "--services-auth", two, "--services-listen", "127.0.0.1:7303"}), 2,
      "is none of the addresses under services.auth");
  expect_sentence(
      with_mysql({"auth", "--services-auth", two, "--services-listen", "127.0.0.1:7203"}), 2,
      "redis.address is not set");
  EXPECT_EQ(with_mysql({"auth", "--services-auth", two, "--services-listen", "127.0.0.1:7203",
                        "--redis-address", "127.0.0.1:6379"})
                .exit_code,
            0);
}

TEST(Startup, UserRunsWithoutAuthOnlyOverMysqlAndWhereItIsFound) {
  const auto names = [](std::vector<std::string> more) {
    more.insert(more.begin(),
                {"--verify-config", "--target", "user", "--services-user", "127.0.0.1:7104"});
    return parleyd(std::move(more));
  };
  expect_sentence(names({}), 2, "nothing says where auth is");
  EXPECT_EQ(names({"--mysql-address", "127.0.0.1:3306"}).exit_code, 0);
}

TEST(Startup, PrintsEverySettingWithItsSource) {
  const auto printed =
      parleyd({"--print-config", "--data", "elsewhere"}, {{"PARLEY_LOG_LEVEL", "debug"}});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_NE(printed.output.find("data = \"elsewhere\"  # --server-data"), std::string::npos)
      << printed.output;
  EXPECT_NE(printed.output.find("level = \"debug\"  # PARLEY_LOG_LEVEL"), std::string::npos);
  EXPECT_NE(printed.output.find("# default"), std::string::npos);
  for (auto flag : {"--help", "--version", "--list-targets", "--verify-config"}) {
    const auto ended = parleyd({flag});
    EXPECT_EQ(ended.exit_code, 0) << flag;
    EXPECT_FALSE(ended.output.empty()) << flag;
  }
}

TEST(Startup, ASecondProcessOnTheSameFolderIsRefused) {
  TempFolder folder;
  ServerProcess server(folder.path() / "data");
  expect_sentence(parleyd({"--data", (folder.path() / "data").string(), "--listen", "127.0.0.1:0"}),
                  1, "data");
  EXPECT_EQ(http(server.admin_port(), "GET", "/readyz").status, 200u);
}

TEST(Startup, ATakenPortIsOneSentence) {
  TempFolder folder;
  ServerProcess server(folder.path() / "data");
  expect_sentence(
      parleyd({"--data", (folder.path() / "other").string(), "--server-admin", "127.0.0.1:0",
               "--listen", "127.0.0.1:" + std::to_string(server.port())}),
      1, std::to_string(server.port()));
}

TEST(Startup, ADamagedStoreIsNamedAndNeverRepaired) {
  TempFolder folder;
  const auto data = folder.path() / "data";
  {
    ServerProcess server(data);
    auto ann = sign_up(server.port(), "ann");
    Client client(server.port(), Client::Wire::pb);
    client.hello(ann.access_token());
    for (int i = 0; i < 100; ++i)
      client.say(direct(ann.user_id(), ann.user_id()), "k" + std::to_string(i), "text");
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
  }
  std::size_t damaged = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data)) {
    const auto name = file.path().filename().string();
    if (file.path().extension() != ".sst" && !name.starts_with("MANIFEST") &&
        file.path().extension() != ".db")
      continue;
    if (file.file_size() < 200) continue;
    ++damaged;
    const auto offset =
        static_cast<std::streamoff>(file.path().extension() == ".db" ? 20 : file.file_size() / 2);
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    char kept = 0;
    bytes.seekg(offset).get(kept);
    bytes.seekp(offset).put(static_cast<char>(kept ^ 0x55));
    bytes.close();
    const auto ended = parleyd({"--data", data.string(), "--listen", "127.0.0.1:0"});
    EXPECT_EQ(ended.exit_code, 1) << name << ": " << ended.output;
    EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
    std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(offset)
        .put(kept);
  }
  EXPECT_GT(damaged, 0u);
  ServerProcess mended(data);
  EXPECT_EQ(http(mended.admin_port(), "GET", "/livez").status, 200u);
}

TEST(Startup, TestDataIsServedOnlyWhenAskedFor) {
  TempFolder folder;
  const auto data = (folder.path() / "data").string();
  EXPECT_EQ(parleyd({"seed", "--data", data, "--users", "10", "--conversations", "4"}).exit_code,
            0);
  expect_sentence(parleyd({"--data", data, "--listen", "127.0.0.1:0"}), 1, "--test-data");
  ServerProcess server(data, {"--test-data"});
  EXPECT_EQ(http(server.admin_port(), "GET", "/readyz").status, 200u);
}

TEST(Startup, DemoPeopleCanSignIn) {
  TempFolder folder;
  ServerProcess server(folder.path() / "data", {"--demo"});
  std::ifstream out(folder.path() / "data.out");
  std::string line, name, word, password;
  int people = 0;
  while (std::getline(out, line)) {
    std::istringstream words(line);
    if (!(words >> name >> word >> password) || word != "password") continue;
    ++people;
    EXPECT_EQ(http(server.port(), "POST", "/v1/signin",
                   R"({"name":")" + name + R"(","password":")" + password + "\"}")
                  .status,
              200u);
  }
  EXPECT_EQ(people, 2);
  const auto page = http(server.port(), "GET", "/");
  EXPECT_EQ(page.status, 200u);
  EXPECT_NE(page.body.find("<html"), std::string::npos);
}

}  // namespace
}  // namespace parley::testing
