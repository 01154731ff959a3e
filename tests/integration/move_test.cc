// Moving up: an embedded server's data into a cluster, as a person types it, and the same devices
// afterwards.
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/support/backends/backends.h"
#include "tests/support/cassandra/keyspace.h"
#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"
#include "tests/support/tcp_gate/tcp_gate.h"

extern char** environ;

namespace parley::testing {
namespace {
using namespace std::chrono_literals;

constexpr int kUnread = 40;

/// `parleyd migrate`, which is killed once it has moved some messages and before it has moved all:
/// Cassandra is behind a gate that is shut then.
std::string killed_half_way(const std::string& data, const std::string& config,
                            const TempFolder& folder) {
  test::TcpGate gate(test::backend("cassandra"));
  const auto out = (folder.path() / "moving").string();
  std::filesystem::remove(out);  // of the time before
  const auto command = fmt::format(
      "exec '{}' migrate --from embedded --to cluster --config '{}' --data '{}' "
      "--cassandra-addresses {} >'{}' 2>&1",
      parleyd_path(), config, data, gate.address(), out);
  const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
  pid_t pid = 0;
  EXPECT_EQ(posix_spawn(&pid, "/bin/sh", nullptr, nullptr, const_cast<char**>(argv), environ), 0);
  const auto output = [&] {
    std::ifstream in(out);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  // Cassandra answers for 20 ms in every 120, so that the move is slow enough to be seen.
  const auto deadline = std::chrono::steady_clock::now() + 100s;
  while (output().find("\nmessages: ") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline && waitpid(pid, nullptr, WNOHANG) == 0) {
    gate.shut();
    std::this_thread::sleep_for(100ms);
    gate.open();
    std::this_thread::sleep_for(20ms);
  }
  gate.shut();
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return output();
}

/// The marks in the keyspace that the configuration names.
std::string marks_of(const std::string& config) {
  std::ifstream in(config);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto name = text.find("keyspace = \"") + 12;
  return fmt::format("\"{}\".marks", text.substr(name, text.find('"', name) - name));
}
// Of a conversation that no source has: a direct one of 7 with 7, as docs/formats.md says.
constexpr const char* kNobodys =
    "0x64"
    "0000000000000007"
    "0000000000000007";

TEST(Move, TheSameDevicesGoOnInTheClusterAsIfNothingHadHappened) {
  TempFolder folder;
  const auto data = (folder.path() / "data").string();
  // What is there besides, so that the move takes a while.
  ASSERT_EQ(run_program({parleyd_path(), "seed", "--data", data, "--users", "100",
                         "--conversations", "10", "--messages", "40"})
                .exit_code,
            0);
  v1::Tokens ann, bob, cat;
  std::string talk, room, bob_cursor, bob_ticket;
  v1::Sent first, last;
  {
    ServerProcess embedded(data, {"--test-data", "--limits-sends_per_second", "1000000"});
    ann = sign_up(embedded.port(), "ann");
    bob = sign_up(embedded.port(), "bob");
    cat = sign_up(embedded.port(), "cat");
    talk = direct(ann.user_id(), bob.user_id());
    const auto made =
        http(embedded.port(), "POST", "/v1/groups",
             fmt::format(R"({{"request_id":"r","title":"room","members":["{}","{}"]}})",
                         bob.user_id(), cat.user_id()),
             ann.access_token());
    ASSERT_EQ(made.status, 201U) << made.body;
    const auto id = made.body.find("\"group_id\":\"") + 12;
    room = "g:" + made.body.substr(id, made.body.find('"', id) - id);
    Client sender(embedded.port(), Client::Wire::pb);
    sender.hello(ann.access_token());
    first = sender.say(talk, "first", "seen before the move").result().sent();
    {
      Client device(embedded.port(), Client::Wire::pb);
      bob_ticket = device.hello(bob.access_token()).resume_ticket();
      bob_cursor = device.cursor;
    }
    for (int i = 0; i < kUnread; ++i) {
      last = sender.say(talk, fmt::format("talk-{}", i), "for bob").result().sent();
      ASSERT_EQ(last.seq(), static_cast<std::uint64_t>(i) + 2);
      const auto all = sender.say(room, fmt::format("room-{}", i), "for all");
      ASSERT_EQ(all.result().sent().seq(), static_cast<std::uint64_t>(i) + 2);
    }
    embedded.kill_hard();
  }
  const auto move = [&](const std::string& config) {
    return run_program({parleyd_path(), "migrate", "--from", "embedded", "--to", "cluster",
                        "--config", config, "--data", data});
  };
  const auto has = [](const std::string& output, const std::string& part) {
    EXPECT_NE(output.find(part), std::string::npos) << output;
  };
  const auto prepare = [&](const std::string& config) {
    has(killed_half_way(data, config, folder), "\nmessages: ");
    if (HasFailure()) return;
    const auto early = run_program({parleyd_path(), "--config", config, "--target", "auth"});
    EXPECT_EQ(early.exit_code, 1);
    has(early.output, "is not finished: run `parleyd migrate --from embedded --to cluster` again");
    has(killed_half_way(data, config, folder), "going on with the move that was begun before");
    if (HasFailure()) return;
    {
      ServerProcess again(data, {"--test-data"});
      const auto running = move(config);
      EXPECT_EQ(running.exit_code, 1);
      has(running.output, "is in use by another process: stop that one first");
      Client sender(again.port(), Client::Wire::pb);
      sender.hello(ann.access_token());
      last = sender.say(talk, "late", "after the move began").result().sent();
      again.signal(SIGTERM);
      EXPECT_EQ(again.wait(), 0);
    }
    // What is on the target and not in the source is found by its sum, for as long as it is there.
    test::run_on_cassandra(
        fmt::format("INSERT INTO {} (conversation, user_id, delivered) VALUES ({}, 7, 7)",
                    marks_of(config), kNobodys));
    const auto wrong = move(config);
    EXPECT_EQ(wrong.exit_code, 1);
    has(wrong.output, "the source has changed since the move began");
    has(wrong.output, "NOT");
    has(wrong.output, "the target does not hold what the source has: run this again");
    test::run_on_cassandra(
        fmt::format("DELETE FROM {} WHERE conversation = {}", marks_of(config), kNobodys));
    const auto moved = move(config);
    EXPECT_EQ(moved.exit_code, 0) << moved.output;
    EXPECT_EQ(moved.output.find("NOT"), std::string::npos) << moved.output;
    const auto twice = move(config);
    EXPECT_EQ(twice.exit_code, 1);
    has(twice.output, "this server was moved into the Cassandra keyspace");
  };
  ServerProcess cluster(folder.path() / "cluster", {}, ServerProcess::Shape::cluster, prepare);
  if (HasFailure()) return;

  // A device comes back with its ticket and cursor, and gets what it missed, once and in order.
  Client device(cluster.next_port(), Client::Wire::pb);
  device.hello(bob_ticket, bob_cursor, true);
  EXPECT_EQ(device.cursor.substr(0, 16), bob_cursor.substr(0, 16)) << "another epoch";
  std::map<std::string, std::set<std::uint64_t>> got;  // what nobody confirmed may come once more
  for (const auto& frame : device.backlog)
    if (frame.has_entry() && frame.entry().seq() > 1)
      got[frame.entry().conversation_id()].insert(frame.entry().seq());
  for (const auto& [conversation, until] :
       {std::pair(talk, last.seq()), std::pair(room, std::uint64_t{kUnread + 1})}) {
    std::set<std::uint64_t> wanted;
    for (std::uint64_t seq = 2; seq <= until; ++seq) wanted.insert(seq);
    EXPECT_EQ(got[conversation], wanted) << conversation;
  }
  // What is new follows, live; keys that were used before give the first answer.
  Client sender(cluster.next_port(), Client::Wire::pb);
  sender.hello(ann.access_token());
  const auto same = sender.say(talk, "first", "seen before the move").result().sent();
  EXPECT_EQ(same.seq(), first.seq());
  EXPECT_EQ(same.message_id(), first.message_id());
  const auto next = sender.say(talk, "next", "in the cluster").result().sent();
  EXPECT_EQ(next.seq(), last.seq() + 1);
  EXPECT_GT(next.message_id(), last.message_id());
  EXPECT_EQ(sender.say(room, "next", "in the cluster").result().sent().seq(),
            std::uint64_t{kUnread + 2});
  const auto comes = [](Client& to, const std::string& conversation, std::uint64_t seq) {
    EXPECT_TRUE(to.next([&](const v1::ServerFrame& frame) {
      return frame.has_entry() && frame.entry().conversation_id() == conversation &&
             frame.entry().seq() == seq;
    })) << conversation
        << ' ' << seq;
  };
  comes(device, talk, next.seq());
  comes(device, room, kUnread + 2);
  // Refresh tokens and passwords, too; and groups change as before.
  EXPECT_EQ(http(cluster.port(), "POST", "/v1/refresh",
                 fmt::format(R"({{"refresh_token":"{}"}})", cat.refresh_token()))
                .status,
            200U);
  EXPECT_EQ(sign_in(cluster.port(), "cat").user_id(), cat.user_id());
  const auto group = room.substr(2);
  EXPECT_EQ(http(cluster.port(), "POST", "/v1/groups/" + group + "/leave", "", cat.access_token())
                    .status /
                100,
            2U);
  comes(device, room, kUnread + 3);

  // Another server does not fit there any more.
  const auto another = (folder.path() / "another").string();
  ASSERT_EQ(run_program({parleyd_path(), "seed", "--data", another, "--users", "2"}).exit_code, 0);
  const auto refused = [&](const std::string& why) {
    const auto ended =
        run_program({parleyd_path(), "migrate", "--from", "embedded", "--to", "cluster", "--config",
                     (folder.path() / "cluster").string() + ".toml", "--data", another});
    EXPECT_EQ(ended.exit_code, 1);
    has(ended.output, why);
  };
  refused("stop the cluster's processes first");
  cluster.signal(SIGTERM);
  EXPECT_EQ(cluster.wait(), 0);
  refused("the target is not empty: processes have used the Cassandra keyspace");
}

}  // namespace
}  // namespace parley::testing
