// `parleyd backup` of a server at work and `parleyd restore`, as a person types them.
#include <atomic>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <thread>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

class Backup : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
  static Ended backup(const std::string& data, const std::string& to) {
    return run_program({parleyd_path(), "backup", "--data", data, "--to", to});
  }
  static Ended restore(const std::string& from, const std::string& data) {
    return run_program({parleyd_path(), "restore", "--from", from, "--data", data});
  }
  static void refused(const Ended& ended, const std::string& part) {
    EXPECT_EQ(ended.exit_code, 1) << ended.output;
    EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
  }
  static v1::History history(std::uint16_t port, const v1::Tokens& who, const std::string& of,
                             std::uint64_t after) {
    const auto answer = http(
        port, "GET", fmt::format("/v1/conversations/{}/messages?after={}&limit=100", of, after), "",
        who.access_token());
    EXPECT_EQ(answer.status, 200U) << answer.body;
    v1::History out;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(answer.body, &out).ok());
    return out;
  }
  static std::vector<v1::Entry> everything(std::uint16_t port, const v1::Tokens& who,
                                           const std::string& of) {
    std::vector<v1::Entry> out;
    for (;;) {
      const auto page = history(port, who, of, out.empty() ? 0 : out.back().seq());
      out.insert(out.end(), page.entries().begin(), page.entries().end());
      if (page.entries_size() == 0) return out;
    }
  }

  TempFolder folder_;
};

TEST_F(Backup, WhatWasAcknowledgedBeforeItBeganIsRestoredOnceAndInOrder) {
  v1::Tokens ann, bob;
  std::string talk, room, group, cursor;
  std::vector<std::string> acknowledged;  // keys, by seq
  std::size_t before = 0;
  {
    ServerProcess server(at("data"), {"--limits-sends_per_second", "1000000",
                                      "--limits-requests_per_second", "1000000"});
    const auto port = server.port();
    ann = sign_up(port, "ann");
    bob = sign_up(port, "bob");
    talk = direct(ann.user_id(), bob.user_id());
    const auto made =
        http(port, "POST", "/v1/groups",
             fmt::format(R"({{"request_id":"r","title":"0","members":["{}"]}})", bob.user_id()),
             ann.access_token());
    const auto id = made.body.find("\"group_id\":\"") + 12;
    group = made.body.substr(id, made.body.find('"', id) - id);
    room = "g:" + group;
    std::atomic<bool> stop = false;
    std::atomic<std::size_t> sent = 0, titles = 0;
    std::thread sender([&] {
      Client client(port, Client::Wire::pb);
      client.hello(ann.access_token());
      while (!stop) {
        const auto key = fmt::format("key-{}", sent.load());
        const auto answer = client.say(talk, key, "text of " + key);
        if (!answer.result().has_sent()) {
          ADD_FAILURE() << answer.ShortDebugString();
          return;
        }
        acknowledged.push_back(key);
        EXPECT_EQ(answer.result().sent().seq(), acknowledged.size());
        ++sent;
      }
    });
    std::thread changer([&] {  // a database and a log have to agree on these
      while (!stop) {
        const auto answer =
            http(port, "PATCH", "/v1/groups/" + group,
                 fmt::format(R"({{"title":"{}"}})", titles + 1), ann.access_token());
        EXPECT_EQ(answer.status / 100, 2U) << answer.body;
        ++titles;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    {
      Client device(port, Client::Wire::pb);
      device.hello(bob.access_token());
      cursor = device.cursor;
    }
    const auto more = [&](std::size_t by) {
      const auto from = sent.load(), titles_from = titles.load();
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while ((sent < from + by || titles < titles_from + 2) &&
             std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      EXPECT_GE(sent, from + by);
    };
    more(200);
    before = sent;
    const auto done = backup(at("data"), at("backup"));
    EXPECT_EQ(done.exit_code, 0) << done.output;
    EXPECT_NE(done.output.find("the backup is in " + at("backup")), std::string::npos);
    more(20);
    refused(backup(at("data"), at("backup")), "there is something in " + at("backup"));
    refused(backup(at("data"), at("data") + "/copy"), "is in the data folder: name one outside");
    stop = true;
    sender.join();
    changer.join();
    server.kill_hard();
  }
  refused(restore(at("backup"), at("data")), "there is something in " + at("data"));
  const auto restored = restore(at("backup"), at("new"));
  ASSERT_EQ(restored.exit_code, 0) << restored.output;

  ServerProcess server(at("new"));
  const auto there = everything(server.port(), bob, talk);
  ASSERT_GE(there.size(), before);
  ASSERT_LE(there.size(), acknowledged.size() + 1);
  for (std::size_t i = 0; i < there.size(); ++i) {
    EXPECT_EQ(there[i].seq(), i + 1);
    EXPECT_EQ(there[i].body().text(), fmt::format("text of key-{}", i));
  }
  // The group's database and its conversation say the same.
  const auto changes = everything(server.port(), bob, room);
  ASSERT_FALSE(changes.empty());
  const auto about = http(server.port(), "GET", "/v1/groups/" + group, "", ann.access_token()).body;
  EXPECT_NE(about.find(fmt::format("\"title\":\"{}\"", changes.size() - 1)), std::string::npos)
      << about << changes.size();
  EXPECT_NE(about.find(fmt::format("\"version\":\"{}\"", changes.size())), std::string::npos)
      << about << changes.size();
  // Cursors are of another epoch: everything is read again. Then people go on.
  Client device(server.port(), Client::Wire::pb);
  device.hello(bob.access_token(), cursor);
  EXPECT_NE(device.cursor.substr(0, 16), cursor.substr(0, 16));
  EXPECT_EQ(sign_in(server.port(), "ann").user_id(), ann.user_id());
  Client sender(server.port(), Client::Wire::pb);
  sender.hello(ann.access_token());
  EXPECT_EQ(sender.say(talk, "key-0", "text of key-0").result().sent().seq(), 1U);
  EXPECT_EQ(sender.say(talk, "new", "after it all").result().sent().seq(), there.size() + 1);
}

TEST_F(Backup, OfAStoppedServerAndWhatIsWrongIsSaid) {
  v1::Tokens ann;
  {
    ServerProcess server(at("data"));
    ann = sign_up(server.port(), "ann");
    Client client(server.port(), Client::Wire::pb);
    client.hello(ann.access_token());
    client.say(direct(ann.user_id(), ann.user_id()), "one", "a note");
    server.kill_hard();  // its socket stays
  }
  const auto done = backup(at("data"), at("backup"));
  ASSERT_EQ(done.exit_code, 0) << done.output;
  refused(backup(at("nowhere"), at("backup2")), "is no data folder of a server");
  refused(restore(at("data"), at("new")), "is no backup, or one that was not completed");

  const auto accounts = at("backup") + "/accounts/accounts.db";
  std::filesystem::copy(at("backup"), at("damaged"), std::filesystem::copy_options::recursive);
  std::fstream(at("damaged") + "/accounts/accounts.db", std::ios::in | std::ios::out).seekp(5000)
      << 'x';
  refused(restore(at("damaged"), at("new")), "the backup is damaged: ");
  std::filesystem::remove(at("damaged") + "/accounts/accounts.db");
  refused(restore(at("damaged"), at("new")), "is missing");
  EXPECT_FALSE(std::filesystem::exists(at("new")));

  ASSERT_EQ(restore(at("backup"), at("new")).exit_code, 0);
  ServerProcess server(at("new"));
  EXPECT_EQ(sign_in(server.port(), "ann").user_id(), ann.user_id());
  EXPECT_EQ(history(server.port(), ann, direct(ann.user_id(), ann.user_id()), 0).entries_size(), 1);
}

}  // namespace
}  // namespace parley::testing
