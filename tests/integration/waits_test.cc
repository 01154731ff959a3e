// The servers that a process stands on are not there when it starts, or go away later.
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/backends/backends.h"
#include "tests/support/backends/own_backend.h"
#include "tests/support/mysql/database.h"
#include "tests/support/redis/redis_server.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"
#include "tests/support/tcp_gate/tcp_gate.h"

namespace parley::testing {
namespace {
using namespace std::chrono_literals;

template <class F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 120s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

/// Below the ports that the system gives to clients.
std::uint16_t free_port() {
  for (;;) {
    const auto port = static_cast<std::uint16_t>(15'000 + std::random_device{}() % 16'000);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    if (free) return port;
  }
}

/// A parleyd that need not come up.
class Starting {
 public:
  Starting(const std::filesystem::path& folder, std::vector<std::string> arguments)
      : log_((folder / fmt::format("{}.log", port_)).string()) {
    std::vector<std::string> command{parleyd_path(),
                                     "--data",
                                     (folder / "data").string(),
                                     "--listen",
                                     fmt::format("127.0.0.1:{}", port_),
                                     "--server-admin",
                                     fmt::format("127.0.0.1:{}", admin_)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    std::vector<char*> words;
    for (auto& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    const int fd = open(log_.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execv(words[0], words.data());
    _exit(127);
  }
  ~Starting() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Starting(const Starting&) = delete;

  std::uint16_t port() const { return port_; }
  void signal(int number) const { ASSERT_EQ(::kill(pid_, number), 0); }
  /// The exit code; -1: it has not ended.
  int end() {
    int status = 0;
    if (!eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string log() const {
    std::ifstream in(log_);
    return (std::ostringstream() << in.rdbuf()).str();
  }
  /// Asks until /readyz answers so.
  ::testing::AssertionResult says(unsigned status, const std::string& part) const {
    Http answer;
    if (eventually([&] {
          answer = get("/readyz");
          return answer.status == status && answer.body.contains(part);
        }))
      return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure()
           << part << " is not said, but: " << answer.status << " " << answer.body << log();
  }
  Http get(const std::string& target) const {
    try {
      return http(admin_, "GET", target);
    } catch (const std::exception& e) {  // it does not listen yet
      return {0, e.what()};
    }
  }

 private:
  const std::uint16_t port_ = free_port(), admin_ = free_port();
  const std::string log_;
  pid_t pid_ = -1;
};

/// Every server that there is: behind a gate, or one of the test's own where a gate is walked
/// around.
class Waits : public ::testing::Test {
 protected:
  Waits() {
    test::run_on_mysql(database_.settings(), "DROP DATABASE " + database_.settings().database);
    write("direct", database_.settings().address(), test::backend("cassandra"),
          test::backend("zookeeper"), test::backend("kafka"));
    write("gates", mysql_.address(), cassandra_.address(), zookeeper_.address(),
          test::backend("kafka"));
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }
  /// Kafka tells its clients where it is, so they would walk around a gate.
  test::OwnBackend& own_kafka() {
    kafka_.emplace("kafka");
    write("gates", mysql_.address(), cassandra_.address(), zookeeper_.address(), kafka_->address());
    return *kafka_;
  }
  void write(const std::string& name, const std::string& mysql, const std::string& cassandra,
             const std::string& zookeeper, const std::string& kafka) const {
    std::ofstream(file(name)) << fmt::format(
        "[mysql]\naddress = \"{}\"\nuser = \"root\"\ndatabase = \"{}\"\n"
        "[cassandra]\naddresses = \"{}\"\nkeyspace = \"{}\"\nreplication = 1\n"
        "[zookeeper]\naddresses = \"{}\"\nprefix = \"/{}\"\n"
        "[kafka]\naddresses = \"{}\"\ntopic = \"{}\"\nreplication = 1\nlanes = 4\n"
        "[redis]\naddress = \"{}\"\n"
        "[messages]\n1 = \"127.0.0.1:{}\"\n",
        mysql, database_.settings().database, cassandra, name_, zookeeper, name_, kafka, name_,
        redis_.address(), message_port_);
  }
  std::filesystem::path folder(const std::string& name) const {
    std::filesystem::create_directory(folder_.path() / name);
    return folder_.path() / name;
  }
  void migrate() const {
    const auto migrated = run_program({parleyd_path(), "migrate", "--config", file("direct")});
    ASSERT_EQ(migrated.exit_code, 0) << migrated.output;
  }
  static std::string missing(const std::string& server, const std::string& address) {
    return fmt::format("{} at {} is missing since ", server, address);
  }

  TempFolder folder_;
  const std::string name_ = test::unique_name("waits");
  const std::uint16_t message_port_ = free_port();
  test::MysqlDatabase database_{{}};
  test::TcpGate mysql_{database_.settings().address()}, cassandra_{test::backend("cassandra")},
      zookeeper_{test::backend("zookeeper")};
  std::optional<test::OwnBackend> kafka_;
  test::RedisServer redis_;
};

/// Ann's messages, each of which arrives at Bob's, however often it has to be sent. Each by
/// connections of its own: one that is silent while a server starts would be closed.
class Talk {
 public:
  explicit Talk(std::uint16_t port)
      : port_(port), ann_(sign_up(port, own_name("ann"))), bob_(sign_up(port, own_name("bob"))) {}
  void goes_through(const std::string& text) {
    Client a(port_, Client::Wire::pb), b(port_, Client::Wire::pb);
    a.hello(ann_.access_token());
    b.hello(bob_.access_token());
    v1::ServerFrame said;
    EXPECT_TRUE(eventually([&] {
      said = a.say(direct(ann_.user_id(), bob_.user_id()), fmt::format("{}", ++sent_), text);
      return said.has_result();
    })) << text
        << ": " << said.ShortDebugString();
    v1::Entry entry;
    do entry = b.next_entry();
    while (entry.seq() != 0 && entry.body().text() != text);
    EXPECT_NE(entry.seq(), 0u) << text << " does not arrive";
  }

 private:
  const std::uint16_t port_;
  const v1::Tokens ann_, bob_;
  int sent_ = 0;
};

TEST_F(Waits, EachServerIsWaitedForAndMissedAndFoundAgain) {
  migrate();
  mysql_.shut();
  cassandra_.shut();
  zookeeper_.shut();
  auto& kafka = own_kafka();
  kafka.kill();
  redis_.kill_hard();
  Starting server(folder_.path(), {"--config", file("gates")});
  const auto expect_missing = [&](const std::string& name, const std::string& address) {
    EXPECT_TRUE(server.says(503, missing(name, address)));
    EXPECT_TRUE(eventually([&] { return !server.get("/readyz").body.contains("no answer yet"); }));
    EXPECT_TRUE(server.get("/readyz").body.starts_with("not ready\n"));
    EXPECT_EQ(server.get("/livez").status, 200u);
    auto gauge = fmt::format("parley_{}_up 0\n", name);
    std::ranges::transform(gauge, gauge.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_TRUE(server.get("/metrics").body.contains(gauge)) << server.get("/metrics").body;
  };
  expect_missing("ZooKeeper", zookeeper_.address());
  zookeeper_.open();
  expect_missing("Cassandra", cassandra_.address());
  cassandra_.open();
  expect_missing("MySQL", mysql_.address());
  mysql_.open();
  expect_missing("Kafka", kafka.address());
  kafka.start();
  expect_missing("Redis", redis_.address());
  redis_.start();
  ASSERT_TRUE(server.says(200, "ready\n"));
  Talk talk(server.port());
  talk.goes_through("all there");

  const auto away = [&](const std::string& name, const std::string& address, auto go, auto back) {
    SCOPED_TRACE(name);
    go();
    expect_missing(name, address);
    back();
    EXPECT_TRUE(server.says(200, "ready\n"));
    EXPECT_EQ(server.get("/readyz").body, "ready\n");
    talk.goes_through("after " + name);
  };
  const auto shut = [&](const std::string& name, test::TcpGate& gate) {
    away(name, gate.address(), [&] { gate.shut(); }, [&] { gate.open(); });
  };
  shut("MySQL", mysql_);
  shut("Cassandra", cassandra_);
  shut("ZooKeeper", zookeeper_);
  away("Kafka", kafka.address(), [&] { kafka.kill(); }, [&] { kafka.start(); });
  away("Redis", redis_.address(), [&] { redis_.kill_hard(); }, [&] { redis_.start(); });
  server.signal(SIGTERM);
  EXPECT_EQ(server.end(), 0) << server.log();
}

TEST_F(Waits, WhoIsToldToEndWhileItWaitsEnds) {
  migrate();
  for (auto* gate : {&zookeeper_, &cassandra_, &mysql_}) {
    gate->shut();
    Starting server(folder_.path(), {"--config", file("gates")});
    EXPECT_TRUE(server.says(503, " is missing since "));
    EXPECT_TRUE(eventually([&] { return server.log().contains("event=missing"); }));
    const auto begun = std::chrono::steady_clock::now();
    server.signal(SIGTERM);
    EXPECT_EQ(server.end(), 0) << server.log();
    std::cout << "ended after " << (std::chrono::steady_clock::now() - begun) / 1ms << " ms\n";
    gate->open();
  }
  auto& kafka = own_kafka();
  kafka.kill();
  Starting server(folder_.path(), {"--config", file("gates")});
  EXPECT_TRUE(server.says(503, missing("Kafka", kafka.address())));
  const auto begun = std::chrono::steady_clock::now();
  server.signal(SIGINT);
  EXPECT_EQ(server.end(), 0) << server.log();
  std::cout << "ended after " << (std::chrono::steady_clock::now() - begun) / 1ms << " ms\n";
}

TEST_F(Waits, WhatIsWrongForGoodIsNotWaitedFor) {
  const auto refused = [&](const std::vector<std::string>& more, const std::string& part) {
    std::vector<std::string> arguments{"--config", file("direct")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Starting server(folder_.path(), arguments);
    EXPECT_EQ(server.end(), 1) << server.log();
    EXPECT_TRUE(server.log().contains(part)) << server.log();
    EXPECT_FALSE(server.log().contains("event=missing")) << server.log();
  };
  refused({}, "run `parleyd migrate --config FILE`");
  migrate();
  refused({"--mysql-user", "nobody_here"}, "check mysql.user and mysql.password");
  refused({"--cassandra-local_dc", "nowhere"}, "no node is in data centre 'nowhere'");
  test::run_on_mysql(database_.settings(),
                     fmt::format("UPDATE {}.schema_versions SET version = 99 WHERE name = 'groups'",
                                 database_.settings().database));
  // Its version is the largest one that there is.
  test::run_on_mysql(database_.settings(),
                     fmt::format("INSERT INTO {}.schema_versions (name, version) VALUES "
                                 "('accounts', 99)",
                                 database_.settings().database));
  refused({}, "has schema 99 of accounts");
}

TEST_F(Waits, ANameThatIsNotKnownYetIsWaitedFor) {
  migrate();
  Starting server(folder_.path(),
                  {"--config", file("direct"), "--mysql-address", "nowhere.invalid:3306"});
  EXPECT_TRUE(server.says(503, missing("MySQL", "nowhere.invalid:3306")));
  Starting other(folder("other"),
                 {"--config", file("direct"), "--zookeeper-addresses", "nowhere.invalid:2181"});
  EXPECT_TRUE(other.says(503, missing("ZooKeeper", "nowhere.invalid:2181")));
  for (auto* one : {&server, &other}) {
    EXPECT_TRUE(eventually([&] { return one->log().contains("event=missing"); }));
    one->signal(SIGTERM);
    EXPECT_EQ(one->end(), 0) << one->log();
  }
}

TEST_F(Waits, AClockThatIsOffIsRefusedWithByHowMuch) {
  migrate();
  zookeeper_.shut();
  Starting server(folder_.path(), {"--config", file("gates"), "--test-data"});
  EXPECT_TRUE(server.says(503, missing("ZooKeeper", zookeeper_.address())));
  server.signal(SIGUSR2);
  EXPECT_TRUE(eventually([&] { return server.log().contains("set back an hour"); }));
  zookeeper_.open();
  EXPECT_EQ(server.end(), 1) << server.log();
  const auto log = server.log();
  EXPECT_TRUE(log.contains("the clock of this machine is 3600.") ||
              log.contains("the clock of this machine is 3599."))
      << log;
  EXPECT_TRUE(server.log().contains(" s behind that of ZooKeeper at " + zookeeper_.address()))
      << server.log();
}

TEST_F(Waits, TheSecondProcessOfANumberIsRefused) {
  migrate();
  Starting first(folder_.path(), {"--config", file("direct")});
  ASSERT_TRUE(first.says(200, "ready\n"));
  Starting second(folder("second"), {"--config", file("direct")});
  EXPECT_EQ(second.end(), 1) << second.log();
  EXPECT_TRUE(second.log().contains("another live process is message message-1, at 127.0.0.1:"))
      << second.log();
  EXPECT_TRUE(second.log().contains("by --message-id")) << second.log();
  EXPECT_EQ(first.get("/readyz").body, "ready\n");
}

}  // namespace
}  // namespace parley::testing
