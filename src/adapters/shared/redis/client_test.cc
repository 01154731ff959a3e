// Against real servers: the shared one, and ones of the test's own that are killed and stopped.
#include "adapters/shared/redis/client.h"

#include <boost/asio.hpp>
#include <csignal>
#include <future>
#include <gtest/gtest.h>

#include "tests/support/backends/backends.h"
#include "tests/support/redis/redis_server.h"

namespace parley::redis {
namespace {
using namespace std::chrono_literals;
using test::RedisServer;
using Words = std::vector<std::string>;

Settings at(const std::string& address) {
  const auto colon = address.rfind(':');
  Settings settings;
  settings.host = address.substr(0, colon);
  settings.port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
  settings.timeout = 10s;
  settings.longest_pause = 100ms;
  return settings;
}

/// A client on a loop of its own, asked from the test's thread.
class Asking {
 public:
  explicit Asking(Settings settings) : client(loops_, 0, std::move(settings)) {}
  ~Asking() { loops_.stop(); }
  void start() {
    loops_.start();
    client.start();
  }
  bool open_within(std::chrono::milliseconds time) {
    return within(time, [&] { return !client.missing(); });
  }
  template <class F>
  static bool within(std::chrono::milliseconds time, F condition) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (!condition())
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      else
        std::this_thread::sleep_for(1ms);
    return true;
  }
  template <class F>
  void on_loop(F call) {
    boost::asio::post(loops_.at(0), boost::asio::use_future(std::move(call))).get();
  }
  /// The answers' texts, or their codes' names, all asked in one turn.
  using Texts = std::vector<std::string>;
  std::future<Texts> ask_all(std::vector<Words> commands) {
    struct Asked {
      Texts texts;
      std::size_t open;
      std::promise<Texts> done;
    };
    auto asked = std::make_shared<Asked>();
    asked->texts.resize(commands.size());
    asked->open = commands.size();
    auto future = asked->done.get_future();
    boost::asio::post(loops_.at(0), [this, asked, commands = std::move(commands)] {
      for (std::size_t i = 0; i < commands.size(); ++i) {
        const std::vector<std::string_view> words(commands[i].begin(), commands[i].end());
        const auto take = [asked, i](Result<Reply> reply) {
          asked->texts[i] = reply ? text(*reply) : std::string(row(reply.error().code).name);
          if (--asked->open == 0) asked->done.set_value(asked->texts);
        };
        if (words[0] == "script")
          client.run(script, std::span(words).subspan(1), take);
        else
          client.command(words, take);
      }
    });
    return future;
  }
  std::string ask(Words command) { return ask_all({std::move(command)}).get().front(); }

 private:
  static std::string text(Reply reply) {
    if (reply.is_nil()) return "nil";
    if (const auto number = reply.number()) return std::to_string(*number);
    return std::string(reply.text());
  }
  static const CodeRow& row(Code code) {
    return *std::ranges::find(kErrorRows, static_cast<std::uint16_t>(code), &CodeRow::number);
  }
  Loops loops_{1, 1};

 public:
  Client client;
  Script script{};
};

TEST(RedisClient, AnswersComeInTheOrderOfTheCalls) {
  Asking asking(at(test::backend("redis")));
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  const auto key = test::unique_name("client");
  std::vector<Words> many;
  Asking::Texts expected;
  for (int i = 1; i <= 2'000; ++i) {
    many.push_back({"INCR", key});
    expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(asking.ask_all(many).get(), expected);
  EXPECT_EQ(asking.ask({"SET", key, std::string("a\0\r\nb", 5)}), "OK");
  EXPECT_EQ(asking.ask({"GET", key}), std::string("a\0\r\nb", 5));
  EXPECT_EQ(asking.ask({"LPUSH", key, "x"}), "internal") << "what the server refuses is said";
  EXPECT_EQ(asking.ask({"DEL", key}), "1");
  EXPECT_EQ(asking.ask({"GET", key}), "nil");
}

TEST(RedisClient, WhatIsAskedInOneTurnIsReadByTheServerAtOnce) {
  RedisServer server;
  Asking asking(at(server.address()));
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  const auto reads = [&] {
    std::string info;
    std::promise<void> done;
    asking.on_loop([&] {
      asking.client.command({"INFO", "stats"}, [&](Result<Reply> reply) {
        info = reply.value().text();
        done.set_value();
      });
    });
    done.get_future().get();
    const std::string name = "total_reads_processed:";
    return std::stoul(info.substr(info.find(name) + name.size()));
  };
  const auto before = reads();
  asking.ask_all(std::vector<Words>(100, {"PING"})).get();
  EXPECT_EQ(reads() - before, 2u) << "the hundred, and the question after them";
}

TEST(RedisClient, SignsInAndSelects) {
  RedisServer server(RedisServer::Keeps::nothing, "a secret");
  auto settings = at(server.address());
  {
    Asking stranger(settings);
    stranger.start();
    ASSERT_TRUE(Asking::within(
        30s, [&] { return stranger.client.missing().value().why.contains("NOAUTH"); }));
    EXPECT_EQ(stranger.ask({"PING"}), "unavailable");
  }
  settings.password = "a secret";
  Asking first(settings);
  first.start();
  ASSERT_TRUE(first.open_within(30s));
  EXPECT_EQ(first.ask({"SET", "key", "value"}), "OK");
  settings.database = 3;
  Asking other(settings);
  other.start();
  ASSERT_TRUE(other.open_within(30s));
  EXPECT_EQ(other.ask({"GET", "key"}), "nil");
}

TEST(RedisClient, AServerThatIsNotThereIsSaidAtOnceAndFoundWhenItComes) {
  RedisServer server;
  server.kill_hard();
  Asking asking(at(server.address()));
  int opened = 0;
  asking.client.on_open([&] { ++opened; });
  asking.start();
  EXPECT_EQ(asking.ask({"PING"}), "unavailable");
  ASSERT_TRUE(
      Asking::within(30s, [&] { return asking.client.missing().value().why.contains("refused"); }));
  server.start();
  ASSERT_TRUE(asking.open_within(30s));
  EXPECT_EQ(asking.ask({"PING"}), "PONG");
  server.kill_hard();
  ASSERT_TRUE(Asking::within(30s, [&] { return asking.client.missing().has_value(); }));
  EXPECT_EQ(asking.ask({"PING"}), "unavailable");
  server.start();
  ASSERT_TRUE(asking.open_within(30s));
  EXPECT_EQ(asking.ask({"PING"}), "PONG");
  asking.on_loop([&] { EXPECT_EQ(opened, 2); });
}

TEST(RedisClient, AServerThatIsStoppedFailsAllThatIsUnderWayInTime) {
  RedisServer server;
  auto settings = at(server.address());
  settings.timeout = 300ms;
  Asking asking(settings);
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  server.signal(SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  const auto answers = asking.ask_all(std::vector<Words>(10, {"PING"})).get();
  EXPECT_EQ(answers, Asking::Texts(10, "timed_out"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
  EXPECT_TRUE(asking.client.missing().value().why.contains("no answer within 300 ms"));
  EXPECT_EQ(asking.ask({"PING"}), "unavailable") << "the kernel alone accepts connections";
  server.signal(SIGCONT);
  ASSERT_TRUE(asking.open_within(30s));
  EXPECT_EQ(asking.ask({"PING"}), "PONG");
}

TEST(RedisClient, AKilledServerFailsAllThatIsUnderWay) {
  RedisServer server;
  Asking asking(at(server.address()));
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  server.signal(SIGSTOP);
  auto answers = asking.ask_all(std::vector<Words>(10, {"PING"}));
  server.kill_hard();
  EXPECT_EQ(answers.get(), Asking::Texts(10, "unavailable"));
}

TEST(RedisClient, TooMuchUnderWayIsRefused) {
  auto settings = at(test::backend("redis"));
  settings.most_under_way = 10;
  Asking asking(settings);
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  auto answers = asking.ask_all(std::vector<Words>(12, {"PING"})).get();
  EXPECT_EQ(std::ranges::count(answers, "PONG"), 10);
  EXPECT_EQ(answers.back(), "unavailable");
  EXPECT_EQ(asking.ask({"PING"}), "PONG");
}

TEST(RedisClient, ForgottenScriptsAreLoadedAgainAndRunInTheirOrder) {
  RedisServer server;
  Asking asking(at(server.address()));
  asking.script = asking.client.add("return redis.call('APPEND', 'log', ARGV[1])");
  asking.start();
  ASSERT_TRUE(asking.open_within(30s));
  EXPECT_EQ(asking.ask({"script", "a"}), "1");
  // The second half is asked when the first one's refusals are on their way.
  std::vector<Words> first{{"SCRIPT", "FLUSH"}}, second;
  std::string expected = "a";
  for (int i = 0; i < 500; ++i) {
    const std::string digit(1, static_cast<char>('0' + i % 10));
    (i < 250 ? first : second).push_back({"script", digit});
    expected += digit;
  }
  auto one = asking.ask_all(first);
  auto two = asking.ask_all(second);
  two.get();
  one.get();
  EXPECT_EQ(asking.ask({"GET", "log"}), expected);
  server.kill_hard();
  ASSERT_TRUE(Asking::within(30s, [&] { return asking.client.missing().has_value(); }));
  server.start();
  ASSERT_TRUE(asking.open_within(30s));
  EXPECT_EQ(asking.ask({"script", "b"}), "1") << "a server that was started again has them";
}

}  // namespace
}  // namespace parley::redis
