#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace parley::cli {

/// The line that a person types: takes the bytes of a terminal in raw mode. Knows the arrows, Home,
/// End, Backspace, Delete, ^A ^E ^U ^K ^W, and bracketed paste (pasted line feeds do not send).
/// Pure.
class LineEditor {
 public:
  struct Result {
    std::vector<std::string> lines;  // entered
    bool leave = false;              // ^D on an empty line, or ^C
    bool redraw = false;             // ^L
  };
  Result feed(std::string_view bytes);

  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }  // in bytes

 private:
  void insert(std::string_view bytes);
  void left();
  void right();
  void erase_back();
  void erase_here();
  void erase_word();
  void control(char c, Result& result);
  void escape(std::string_view sequence);

  std::string text_;
  std::size_t cursor_ = 0;
  std::string partial_;  // an escape sequence of which more is to come
  bool pasting_ = false;
};

}  // namespace parley::cli
