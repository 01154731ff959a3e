#include "cli/desk/layout.h"

#include <clocale>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/desk/painter.h"
#include "cli/text.h"

namespace parley::cli::desk {
namespace {
using testing::HasSubstr;
using testing::Not;

const bool kUtf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
const Time kNow = Time() + std::chrono::hours(1);

struct LayoutTest : testing::Test {
  LayoutTest() {
    v1::Conversation state;
    state.set_conversation_id("d:7:42");
    state.set_head(40);
    model.put(state, "bob", 42);
    model.open("d:7:42");
  }
  void fill(std::uint64_t from, std::uint64_t to) {
    v1::History page;
    std::vector<Message> messages;
    for (auto seq = from; seq <= to; ++seq)
      messages.push_back({.seq = seq,
                          .sender = seq % 2 ? 42u : 7u,
                          .time_ms = 1'000'000,
                          .who = seq % 2 ? "bob" : "you",
                          .text = "number " + std::to_string(seq)});
    page.set_more_before(from > 1);
    model.add_page("d:7:42", page, std::move(messages), Model::Page::instead);
  }
  std::string screen() {
    std::string all;
    for (const auto& row : layout.draw(model, editor, kNow).rows) all += row + "\n";
    return all;
  }
  Model model{7, "ana"};
  LineEditor editor;
  Layout layout{{.rows = 12, .columns = 80}, false};
};

TEST_F(LayoutTest, EveryRowFitsWhateverTheSize) {
  ASSERT_TRUE(kUtf8);
  fill(1, 40);
  model.find("d:7:42")->title = "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";
  model.find("d:7:42")->last_line = std::string(300, 'x');
  editor.feed("漢字 a line that is much wider than the narrow screens of this test are 漢字");
  for (const std::size_t columns : {24u, 25u, 59u, 60u, 61u, 80u, 133u})
    for (const std::size_t rows : {6u, 7u, 12u, 50u}) {
      layout.resize({.rows = rows, .columns = columns});
      const auto frame = layout.draw(model, editor, kNow);
      EXPECT_EQ(frame.rows.size(), rows);
      for (const auto& row : frame.rows) EXPECT_LE(parley::cli::columns(row), columns) << row;
      EXPECT_LT(frame.cursor_column, columns);
      EXPECT_LT(frame.cursor_row, rows);
    }
  layout.resize({.rows = 2, .columns = 9});
  EXPECT_THAT(screen(), HasSubstr("too small"));
}

TEST_F(LayoutTest, ShowsTheNewestAndScrolls) {
  fill(1, 40);
  EXPECT_THAT(screen(), HasSubstr("bob: number 39"));
  EXPECT_THAT(screen(), HasSubstr("you: number 40  ✓"));
  EXPECT_THAT(screen(), Not(HasSubstr("number 32")));
  layout.scroll(model, 5);
  EXPECT_THAT(screen(), Not(HasSubstr("number 36\n")));
  EXPECT_THAT(screen(), HasSubstr("number 35"));
  const auto before = screen();
  model.add_page("d:7:42", v1::History(),
                 {{.seq = 41, .sender = 42, .time_ms = 1'000'000, .who = "bob", .text = "late"}},
                 Model::Page::newer);
  EXPECT_THAT(screen(), Not(HasSubstr("bob: late"))) << "what is looked at stays where it is";
  layout.scroll(model, 1000);
  EXPECT_THAT(screen(), HasSubstr("number 1\n"));
  layout.scroll(model, -1000);
  EXPECT_THAT(screen(), HasSubstr("bob: late"));
  EXPECT_FALSE(model.opened()->anchor);
}

TEST_F(LayoutTest, AJumpPutsTheMessageIntoTheMiddle) {
  fill(1, 40);
  layout.centre(model, 20);
  const auto rows = layout.draw(model, editor, kNow).rows;
  bool found = false;
  for (std::size_t i = 3; i < 7; ++i) found |= rows[i].find("number 20") != std::string::npos;
  EXPECT_TRUE(found) << screen();
}

TEST_F(LayoutTest, AsksForMoreNearTheEnds) {
  fill(10, 40);
  EXPECT_FALSE(layout.wants_older(model));
  layout.scroll(model, 25);
  EXPECT_TRUE(layout.wants_older(model));
  fill(1, 40);
  layout.scroll(model, 25);
  EXPECT_FALSE(layout.wants_older(model)) << "there is none";
}

TEST_F(LayoutTest, ShowsWhatIsOnItsWayAndWhatWasRefused) {
  fill(1, 2);
  model.add_pending("d:7:42", {.key = "a", .text = "soon", .time_ms = 1, .refusal = {}});
  model.add_pending("d:7:42", {.key = "b", .text = "never", .time_ms = 1, .refusal = {}});
  model.refuse("d:7:42", "b", "blocked");
  EXPECT_THAT(screen(), HasSubstr("you: soon  …"));
  EXPECT_THAT(screen(), HasSubstr("you: never  ✗ not sent: blocked"));
}

TEST_F(LayoutTest, SaysThatItIsNotConnected) {
  model.link = "cannot reach 127.0.0.1:7070";
  EXPECT_THAT(screen(), HasSubstr("not connected: cannot reach 127.0.0.1:7070; trying again"));
}

TEST_F(LayoutTest, ANarrowScreenShowsTheListOrTheTalk) {
  fill(1, 40);
  layout.resize({.rows = 12, .columns = 40});
  EXPECT_THAT(screen(), Not(HasSubstr("│")));
  EXPECT_THAT(screen(), HasSubstr("number 40"));
  model.enter_list(false);
  EXPECT_THAT(screen(), Not(HasSubstr("number 40\n")));
  EXPECT_THAT(screen(), HasSubstr("bob"));
}

TEST(Fit, CutsByColumns) {
  EXPECT_EQ(fit("abc", 5), "abc  ");
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("漢字漢字", 4), "漢… ");
  EXPECT_EQ(fit("abc", 0), "");
}

TEST(Painter, WritesOnlyWhatDiffers) {
  Painter painter;
  Frame frame{.rows = {"one", "two"}, .cursor_row = 1, .cursor_column = 2};
  EXPECT_EQ(painter.paint(frame), "\033[0m\033[2J\033[1;1H\033[2Kone\033[2;1H\033[2Ktwo\033[2;3H");
  frame.rows[0] = "three";
  EXPECT_EQ(painter.paint(frame), "\033[1;1H\033[2Kthree\033[2;3H");
  EXPECT_EQ(painter.paint(frame), "\033[2;3H");
  painter.forget();
  EXPECT_THAT(painter.paint(frame), HasSubstr("\033[2J"));
}

}  // namespace
}  // namespace parley::cli::desk
