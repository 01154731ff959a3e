#include <clocale>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/line_editor.h"
#include "cli/screen.h"
#include "cli/test_terminal.h"
#include "cli/text.h"

namespace parley::cli {
namespace {
using testing::ElementsAre;

const bool kUtf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;

TEST(Printable, TakesTheTeethOutOfWhatOthersWrote) {
  EXPECT_EQ(printable("\033[2Jgone\a"), "\uFFFD[2Jgone\uFFFD");
  EXPECT_EQ(printable("a\tb\nc\r"), "a b\nc\uFFFD");
  EXPECT_EQ(printable("\u202Etxt.exe"), "\uFFFDtxt.exe") << "right-to-left override";
  EXPECT_EQ(printable("\u009B31m"), "\uFFFD31m") << "C1 control sequence introducer";
  EXPECT_EQ(printable("\xC3(\xFF\xED\xA0\x80"), "\uFFFD(\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("grüße 漢字 👍"), "grüße 漢字 👍");
}

TEST(Columns, CountWhatATerminalTakes) {
  ASSERT_TRUE(kUtf8);
  EXPECT_EQ(columns("grüße"), 5u);
  EXPECT_EQ(columns("漢字"), 4u);
  EXPECT_EQ(columns("\033[36m✓✓ read\033[0m"), 7u);
}

TEST(Wrap, BreaksAtBlanksAndIndents) {
  EXPECT_EQ(wrap("one two three", 9, 2), "one two\n  three");
  EXPECT_EQ(wrap("one two three four", 7, 0), "one two\nthree\nfour");
  EXPECT_EQ(wrap("abcdefghij", 4, 0), "abcd\nefgh\nij") << "a word wider than the line";
  EXPECT_EQ(wrap("ab cdefghij", 6, 0), "ab\ncdefgh\nij");
  EXPECT_EQ(wrap("exactly", 7, 2), "exactly");
  EXPECT_EQ(wrap("a\nb", 7, 2), "a\nb");
  EXPECT_EQ(wrap("漢字漢字", 5, 0), "漢字\n漢字");
  EXPECT_EQ(wrap("\033[36mone\033[0m two", 7, 0), "\033[36mone\033[0m two")
      << "colour takes no room";
}

TEST(ParseTime, TakesDatesAndTimes) {
  const auto day = parse_time("2026-03-01"), minute = parse_time("2026-03-01 14:02");
  ASSERT_TRUE(day && minute);
  EXPECT_EQ(*minute - *day, (14 * 60 + 2) * 60'000);
  EXPECT_EQ(date_time(*minute), "2026-03-01 14:02");
  EXPECT_TRUE(parse_time("14:02"));
  EXPECT_FALSE(parse_time("yesterday"));
  EXPECT_FALSE(parse_time("2026-03-01 14:02 x"));
}

TEST(LineEditor, EntersWhatWasTyped) {
  LineEditor editor;
  EXPECT_THAT(editor.feed("hel").lines, ElementsAre());
  EXPECT_THAT(editor.feed("lo\rnext\r").lines, ElementsAre("hello", "next"));
  EXPECT_EQ(editor.text(), "");
}

TEST(LineEditor, EditsByCharactersNotBytes) {
  LineEditor editor;
  editor.feed("grüß");
  editor.feed("\x7f\x7f");
  EXPECT_EQ(editor.text(), "gr");
  editor.feed("\033[D\033[Dö\033[3~");
  EXPECT_EQ(editor.text(), "ör");
  editor.feed("\x01X\x05Y");
  EXPECT_EQ(editor.text(), "XörY");
  editor.feed(" one two\x17");
  EXPECT_EQ(editor.text(), "XörY one ");
  editor.feed("\x15");
  EXPECT_EQ(editor.text(), "");
}

TEST(LineEditor, ASequenceMayComeInPieces) {
  LineEditor editor;
  editor.feed("ab\033");
  editor.feed("[");
  editor.feed("DX");
  EXPECT_EQ(editor.text(), "aXb");
  editor.feed("\033[1;5C!");
  EXPECT_EQ(editor.text(), "aX!b") << "an unknown sequence does nothing";
}

TEST(LineEditor, PastedLinesDoNotSend) {
  LineEditor editor;
  EXPECT_THAT(editor.feed("\033[200~one\rtwo\033[201~").lines, ElementsAre());
  EXPECT_THAT(editor.feed("\r").lines, ElementsAre("one\ntwo"));
}

TEST(LineEditor, ControlDLeavesOnlyFromAnEmptyLine) {
  LineEditor editor;
  editor.feed("x\x01");
  EXPECT_FALSE(editor.feed("\x04").leave);
  EXPECT_EQ(editor.text(), "");
  EXPECT_TRUE(editor.feed("\x04").leave);
}

class ScreenTest : public testing::Test {
 protected:
  void paint() { terminal_.write(screen_.paint()); }
  Screen screen_{{.rows = 6, .columns = 12}};
  TestTerminal terminal_{6, 12};
};

TEST_F(ScreenTest, ChangesALineInPlace) {
  screen_.set_input("> ", "", 0);
  screen_.append("one");
  const auto two = screen_.append("two ✓");
  screen_.append("three");
  paint();
  EXPECT_EQ(terminal_.text(), "one\ntwo ✓\nthree\n> ");
  screen_.replace(two, "two ✓✓");
  paint();
  EXPECT_EQ(terminal_.text(), "one\ntwo ✓✓\nthree\n> ");
  EXPECT_EQ(terminal_.cursor(), (std::pair<std::size_t, std::size_t>{3, 2}));
}

TEST_F(ScreenTest, LinesThatWrapAreCountedAsTheyAre) {
  screen_.set_input("> ", "", 0);
  const auto first = screen_.append("a");
  screen_.append("0123456789abXY");  // two rows
  screen_.append("0123456789ab");    // one row, just
  paint();
  screen_.replace(first, "A");
  paint();
  EXPECT_EQ(terminal_.text(), "A\n0123456789ab\nXY\n0123456789ab\n> ");
}

TEST_F(ScreenTest, WhatScrolledOffIsLeftAlone) {
  screen_.set_input("> ", "", 0);
  std::vector<std::size_t> lines;
  for (int i = 0; i < 9; ++i) {
    lines.push_back(screen_.append(std::to_string(i)));
    paint();
  }
  EXPECT_EQ(terminal_.text(), "4\n5\n6\n7\n8\n> ");
  screen_.replace(lines[1], "one");
  screen_.replace(lines[6], "six");
  paint();
  EXPECT_EQ(terminal_.text(), "4\n5\nsix\n7\n8\n> ");
}

TEST_F(ScreenTest, TheTailStaysBelow) {
  screen_.set_input("> ", "", 0);
  screen_.append("one");
  screen_.set_tail({"mine …"});
  paint();
  screen_.append("two");
  paint();
  EXPECT_EQ(terminal_.text(), "one\ntwo\nmine …\n> ");
  screen_.set_tail({});
  screen_.append("mine ✓");
  paint();
  EXPECT_EQ(terminal_.text(), "one\ntwo\nmine ✓\n> ");
  screen_.set_tail({"again …"});
  paint();
  terminal_.write(screen_.leave());
  EXPECT_EQ(terminal_.text(), "one\ntwo\nmine ✓\n");
}

TEST_F(ScreenTest, ALongInputShowsThePartAroundTheCursor) {
  screen_.append("one");
  screen_.set_input("> ", "abcdefghijklmnop", 16);
  paint();
  EXPECT_EQ(terminal_.text(), "one\n> hijklmnop");
  screen_.set_input("> ", "abcdefghijklmnop", 0);
  paint();
  EXPECT_EQ(terminal_.text(), "one\n> abcdefghi");
  EXPECT_EQ(terminal_.cursor(), (std::pair<std::size_t, std::size_t>{1, 2}));
}

TEST_F(ScreenTest, AnotherSizeDrawsAllThatFits) {
  screen_.set_input("> ", "", 0);
  for (int i = 0; i < 9; ++i) screen_.append(std::to_string(i));
  paint();
  terminal_ = TestTerminal(3, 20);
  screen_.resize({.rows = 3, .columns = 20});
  paint();
  EXPECT_EQ(terminal_.text(), "7\n8\n> ");
  screen_.append("9");
  paint();
  EXPECT_EQ(terminal_.text(), "8\n9\n> ");
}

}  // namespace
}  // namespace parley::cli
