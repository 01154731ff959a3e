#include "cli/complete.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"

namespace parley::cli {
namespace {
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

struct CompleteTest : testing::Test {
  CompleteTest() {
    app.add_option("--profile", context.profile);
    app.add_flag("--json,!--text", context.json);
    add_open(app, context);
    add_history(app, context);
    add_group(app, context);
    add_groups(app, context);
    add_use(app, context);
    add_completion(app, context);
  }
  std::vector<std::string> after(std::vector<std::string> words) {
    return complete(app, std::move(words), names);
  }
  Context context;
  CLI::App app;
  KnownNames names{
      .profiles = {"ana", "work"}, .people = {"bob", "boris"}, .groups = {"Sea trip", "sailing"}};
};

TEST_F(CompleteTest, CommandsAndOptions) {
  EXPECT_THAT(after({"gro"}), ElementsAre("group", "groups"));
  EXPECT_THAT(after({"group", "re"}), ElementsAre("remove", "rename"));
  EXPECT_THAT(after({"history", "--ti"}), ElementsAre("--time"));
  EXPECT_THAT(after({"history", "bob", "--prof"}), ElementsAre("--profile"));
  EXPECT_THAT(after({""}), Contains("open"));
  EXPECT_THAT(after({}), Contains("open"));
}

TEST_F(CompleteTest, NamesWhereTheyAreMeant) {
  EXPECT_THAT(after({"open", "bo"}), ElementsAre("bob", "boris"));
  EXPECT_THAT(after({"open", "\\#s"}), ElementsAre("#sailing"));
  EXPECT_THAT(after({"open", "'#S"}), ElementsAre("#Sea trip"));
  EXPECT_THAT(after({"open", "bob", "b"}), IsEmpty()) << "it takes one";
  EXPECT_THAT(after({"group", "add", "s"}), ElementsAre("sailing"));
  EXPECT_THAT(after({"group", "add", "sailing", "bob", "bor"}), ElementsAre("boris"));
  EXPECT_THAT(after({"group", "role", "sailing", "bob", "a"}), ElementsAre("admin"));
  EXPECT_THAT(after({"use", "w"}), ElementsAre("work"));
  EXPECT_THAT(after({"--profile", "w"}), ElementsAre("work"));
  EXPECT_THAT(after({"open", "--limit", "b"}), IsEmpty()) << "a number";
  EXPECT_THAT(after({"--profile", "open", "gro"}), ElementsAre("group", "groups"))
      << "a profile that is called like a command";
  EXPECT_THAT(after({"completion", ""}), ElementsAre("bash", "zsh"));
}

}  // namespace
}  // namespace parley::cli
