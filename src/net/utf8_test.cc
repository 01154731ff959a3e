#include "net/utf8.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace parley::net {
namespace {

using namespace std::string_literals;

const std::vector<std::string> kGood = {
    "",
    "plain text, longer than a machine word",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF",
    "\xEE\x80\x80",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
    "8 bytes \xF0\x9F\x98\x80 and 8 bytes more",
    "zero \0 inside"s,
};

struct Bad {
  std::string text;
  std::size_t fails_at;  // the byte that settles it
};
const std::vector<Bad> kBad = {
    {"\x80", 0},
    {"a\xBF", 1},
    {"\xC0\x80", 0},          // overlong
    {"\xC1\xBF", 0},          // overlong
    {"\xE0\x9F\x80", 1},      // overlong
    {"\xF0\x8F\x80\x80", 1},  // overlong
    {"\xED\xA0\x80", 1},      // a surrogate
    {"\xF4\x90\x80\x80", 1},  // above U+10FFFF
    {"\xF5\x80\x80\x80", 0},
    {"\xFE", 0},
    {"\xFF", 0},
    {"\xC2\x41", 1},
    {"\xE1\x80\x41", 2},
    {"\xF1\x80\x80\x41", 3},
    {"12345678\x80", 8},
};

TEST(Utf8, TakesEveryGoodTextInAnyTwoPieces) {
  for (const auto& text : kGood) {
    EXPECT_TRUE(is_utf8(text)) << text;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      Utf8Checker checker;
      EXPECT_TRUE(checker.feed(text.substr(0, cut)));
      EXPECT_TRUE(checker.feed(text.substr(cut)));
      EXPECT_TRUE(checker.complete());
    }
  }
}

TEST(Utf8, FailsAtTheFirstByteThatCannotBeMended) {
  for (const auto& [text, fails_at] : kBad) {
    EXPECT_FALSE(is_utf8(text));
    Utf8Checker checker;
    for (std::size_t i = 0; i < fails_at; ++i)
      EXPECT_TRUE(checker.feed(text.substr(i, 1))) << "byte " << i;
    EXPECT_FALSE(checker.feed(text.substr(fails_at, 1))) << "byte " << fails_at;
  }
}

TEST(Utf8, SeesACutCharacter) {
  for (const auto* text : {"\xC2", "\xE1\x80", "\xF1\x80\x80", "12345678\xF1"}) {
    Utf8Checker checker;
    EXPECT_TRUE(checker.feed(text));
    EXPECT_FALSE(checker.complete());
    EXPECT_FALSE(is_utf8(text));
  }
}

}  // namespace
}  // namespace parley::net
