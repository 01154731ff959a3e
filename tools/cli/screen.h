#pragma once
#include <algorithm>
#include <string>
#include <vector>

namespace parley::cli {

/// A transcript that grows downwards above one line of input, in a plain terminal: what scrolls off
/// stays in the terminal's scrollback, and lines still on screen can change (ticks). Makes the
/// bytes to write; does no I/O.
class Screen {
 public:
  struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
  };
  /// `indent`: of the rows of a line after its first.
  explicit Screen(Size size, std::size_t indent = 0) : size_(size), indent_(indent) {}

  std::size_t append(std::string line);  // answers its index
  void replace(std::size_t index, std::string line);
  /// Lines that stay below the transcript: messages on their way, the state of the connection.
  void set_tail(std::vector<std::string> tail);
  /// `cursor` in bytes of `text`.
  void set_input(std::string prompt, std::string text, std::size_t cursor);
  void resize(Size size);
  /// Draws again all that fits the screen.
  void redraw() { repaint_all_ = true; }

  /// What must be written to the terminal now.
  std::string paint();
  /// Removes the tail and the input line, and leaves the cursor below the transcript.
  std::string leave();

 private:
  std::size_t height(const std::string& line) const;
  std::string wrapped(const std::string& line) const;
  const std::string& line(std::size_t i) const {
    return i < lines_.size() ? lines_[i] : tail_[i - lines_.size()];
  }
  std::size_t count() const { return lines_.size() + tail_.size(); }
  void touch(std::size_t index) { dirty_ = std::min(dirty_, index); }
  std::string input_row() const;

  Size size_;
  std::size_t indent_;
  std::vector<std::string> lines_, tail_;
  std::string prompt_, text_;
  std::size_t cursor_ = 0;
  std::vector<std::size_t> painted_;  // heights of the lines on the terminal, from the first one on
  std::size_t dirty_ = 0;             // the first line that is not as painted
  bool repaint_all_ = false;
};

}  // namespace parley::cli
