#pragma once
#include "cli/desk/model.h"
#include "cli/line_editor.h"
#include "cli/screen.h"

namespace parley::cli::desk {

/// What a terminal is to show: rows, each whole in itself (colour ends where the row ends) and no
/// wider than the screen, and the cursor.
struct Frame {
  std::vector<std::string> rows;
  std::size_t cursor_row = 0, cursor_column = 0;
};

/// Draws a Model: the list of conversations at the left, the open one beside it, a line to type, a
/// line of remarks. Pure.
class Layout {
 public:
  Layout(Screen::Size size, bool colour) : size_(size), colour_(colour) {}

  void resize(Screen::Size size) { size_ = size; }
  Frame draw(const Model& model, const LineEditor& editor, Time now) const;

  /// Moves the open conversation by so many rows; positive: to older ones.
  void scroll(Model& model, int rows) const;
  /// Puts a message into the middle of the screen.
  void centre(Model& model, std::uint64_t seq) const;
  /// Rows of messages on the screen.
  std::size_t page() const { return size_.rows > 4 ? size_.rows - 4 : 1; }
  /// Whether what is on the screen comes near an end of what is known, where there is more.
  bool wants_older(const Model& model) const;
  bool wants_newer(const Model& model) const;

 private:
  struct Row {
    std::uint64_t seq;
    std::string text;
  };
  std::size_t list_width(const Model& model) const;
  std::size_t talk_width(const Model& model) const;
  std::vector<Row> rows_of(const Model& model, const Talk& talk) const;
  void add_message(std::vector<Row>& rows, const Model& model, const Talk& talk,
                   const Message& message) const;
  void add_said(std::vector<Row>& rows, std::uint64_t seq, std::int64_t time_ms,
                std::string_view who, bool own, std::string_view text, std::string_view tick,
                std::string_view tick_style, std::size_t width) const;
  std::vector<std::string> draw_list(const Model& model, std::size_t width,
                                     std::size_t height) const;
  std::vector<std::string> draw_talk(const Model& model, std::size_t width,
                                     std::size_t height) const;
  std::string draw_head(const Model& model, std::size_t width, Time now) const;
  std::string draw_foot(const Model& model) const;
  void draw_input(Frame& frame, const Model& model, const LineEditor& editor) const;
  std::string style(std::string_view code, std::string_view text) const;

  Screen::Size size_;
  bool colour_;
};

/// Cut to the width, with `…` if something is missing, and filled up with blanks.
std::string fit(std::string_view text, std::size_t width);

}  // namespace parley::cli::desk
