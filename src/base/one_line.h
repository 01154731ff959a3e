#pragma once
#include <algorithm>
#include <string>

namespace parley {

/// The text of a library's error as part of a sentence: line breaks and tabs become spaces, a run
/// of them one, and none is left at the end.
inline std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20; }, ' ');
  const auto again = std::ranges::unique(text, [](char a, char b) { return a == ' ' && b == ' '; });
  text.erase(again.begin(), again.end());
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace parley
