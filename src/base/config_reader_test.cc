#include "base/config_reader.h"

#include <gtest/gtest.h>
#include <map>

namespace parley {
namespace {
using namespace std::chrono_literals;

struct Declared {
  std::string listen = "127.0.0.1:1";
  bool strict = false;
  std::size_t loops = 0;
  std::chrono::milliseconds wait{5};
  std::vector<std::string> codes;
  std::map<std::string, std::string> gateways;
  ConfigReader reader;

  Declared() {
    reader.add("server", "listen", &listen, "where");
    reader.add("server", "strict", &strict, "flag");
    reader.add("server", "loops", &loops, "count", [this]() -> Result<void> {
      if (loops > 64) return fail(Code::invalid_argument, "is at most 64");
      return {};
    });
    reader.add("auth", "wait_ms", &wait, "time");
    reader.add("auth", "codes", &codes, "list");
    reader.add("gateways", "", &gateways, "a section of free keys");
  }
};
struct ConfigReaderTest : testing::Test, Declared {};

TEST_F(ConfigReaderTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  ASSERT_TRUE(
      reader.read_text("[server]\nlisten = \"f\"\nloops = 2\nstrict = true\n[auth]\nwait_ms = "
                       "7\ncodes=[\"a\",\"b\"]",
                       "x.toml"));
  std::map<std::string, std::string> env{{"PARLEY_SERVER_LISTEN", "e"},
                                         {"PARLEY_SERVER_LOOPS", "3"}};
  ASSERT_TRUE(reader.read_environment([&](const std::string& name) {
    auto at = env.find(name);
    return at == env.end() ? nullptr : at->second.c_str();
  }));
  ASSERT_TRUE(reader.set("server", "listen", "flag", "--server-listen"));
  EXPECT_EQ(listen, "flag");
  EXPECT_EQ(loops, 3u);
  EXPECT_TRUE(strict);
  EXPECT_EQ(wait, 7ms);
  EXPECT_EQ(codes, (std::vector<std::string>{"a", "b"}));
  auto printed = reader.print();
  EXPECT_NE(printed.find("listen = \"flag\"  # --server-listen"), std::string::npos) << printed;
  EXPECT_NE(printed.find("loops = 3  # PARLEY_SERVER_LOOPS"), std::string::npos);
  EXPECT_NE(printed.find("strict = true  # x.toml:4"), std::string::npos);

  Declared again;
  EXPECT_TRUE(again.reader.read_text(printed, "printed")) << "what it prints can be read";
  EXPECT_EQ(again.codes, codes);
}

TEST_F(ConfigReaderTest, ASecretIsReadAndNeverPrinted) {
  std::string password;
  reader.add_secret("mysql", "password", &password, "who knows it");
  EXPECT_NE(reader.print().find("password = \"\"  # default"), std::string::npos);
  ASSERT_TRUE(reader.read_text("[mysql]\npassword = \"from file\"", "x.toml"));
  EXPECT_EQ(password, "from file");
  ASSERT_TRUE(reader.read_environment([](const std::string& name) {
    return name == "PARLEY_MYSQL_PASSWORD" ? "from environment" : nullptr;
  }));
  EXPECT_EQ(password, "from environment");
  const auto printed = reader.print();
  EXPECT_EQ(printed.find("from environment"), std::string::npos) << printed;
  EXPECT_NE(printed.find("password is set and not shown  # PARLEY_MYSQL_PASSWORD"),
            std::string::npos)
      << printed;
  Declared again;
  EXPECT_TRUE(again.reader.read_text(printed, "printed")) << "what it prints can be read";
}

TEST_F(ConfigReaderTest, ASectionOfFreeKeysComesFromEverySourceAndIsPrintedAsItIsRead) {
  using Map = std::map<std::string, std::string>;
  ASSERT_TRUE(reader.read_text("[gateways]\n1 = \"a:1\"\n2 = \"b:2\"", "x.toml"));
  EXPECT_EQ(gateways, (Map{{"1", "a:1"}, {"2", "b:2"}}));
  Declared again;
  ASSERT_TRUE(again.reader.read_text(reader.print(), "printed"));
  EXPECT_EQ(again.gateways, gateways);
  ASSERT_TRUE(reader.read_environment(
      [](const std::string& name) { return name == "PARLEY_GATEWAYS" ? "3=c:3" : nullptr; }));
  EXPECT_EQ(gateways, (Map{{"3", "c:3"}}));
  EXPECT_FALSE(reader.set("gateways", "", "three", "--gateways"));
  const auto refused = reader.read_text("\n[gateways]\n1 = 7", "x.toml");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.substr(0, 9), "x.toml:2:") << refused.error().message;
}

TEST_F(ConfigReaderTest, SaysFileAndLine) {
  const auto said = [&](std::string_view text) {
    auto done = reader.read_text(text, "x.toml");
    return done ? std::string("accepted") : done.error().message;
  };
  EXPECT_EQ(said("[server]\n\nlisen = \"x\""),
            "x.toml:3: there is no setting server.lisen: [server] has listen, strict, loops; see "
            "parleyd --print-config");
  EXPECT_EQ(said("[sever]\nlisten = \"x\""),
            "x.toml:2: there is no setting sever.listen: there are the sections server, auth, "
            "gateways; see parleyd --print-config");
  EXPECT_EQ(said("[server]\nloops = \"two\""),
            "x.toml:2: server.loops wants a whole number, 0 or more");
  EXPECT_EQ(said("[server]\nloops = 65"), "x.toml:2: server.loops is at most 64, not \"65\"");
  EXPECT_EQ(said("listen = 1").substr(0, 9), "x.toml:1:");
  EXPECT_EQ(said("[server]\n[[[").substr(0, 19), "x.toml:2: not TOML:");
  EXPECT_EQ(said("[server]\nloops = -1"), "x.toml:2: server.loops wants a whole number, 0 or more");
  EXPECT_FALSE(reader.read_file("/nonexistent/x.toml"));
}

}  // namespace
}  // namespace parley
