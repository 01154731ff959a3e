#include "cli/line_editor.h"

#include <utility>

namespace parley::cli {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
constexpr char ctrl(char c) { return static_cast<char>(c & 0x1f); }

}  // namespace

void LineEditor::insert(std::string_view bytes) {
  text_.insert(cursor_, bytes);
  cursor_ += bytes.size();
}
void LineEditor::left() {
  if (cursor_ == 0) return;
  do --cursor_;
  while (cursor_ > 0 && is_continuation(text_[cursor_]));
}
void LineEditor::right() {
  if (cursor_ == text_.size()) return;
  do ++cursor_;
  while (cursor_ < text_.size() && is_continuation(text_[cursor_]));
}
void LineEditor::erase_back() {
  const auto end = cursor_;
  left();
  text_.erase(cursor_, end - cursor_);
}
void LineEditor::erase_here() {
  const auto begin = cursor_;
  right();
  text_.erase(begin, cursor_ - begin);
  cursor_ = begin;
}
void LineEditor::erase_word() {
  const auto end = cursor_;
  while (cursor_ > 0 && text_[cursor_ - 1] == ' ') --cursor_;
  while (cursor_ > 0 && text_[cursor_ - 1] != ' ') --cursor_;
  text_.erase(cursor_, end - cursor_);
}

void LineEditor::control(char c, Result& result) {
  switch (c) {
    case '\r':
    case '\n':
      result.lines.push_back(std::exchange(text_, {}));
      cursor_ = 0;
      break;
    case ctrl('C'):
      result.leave = true;
      break;
    case ctrl('D'):
      if (text_.empty())
        result.leave = true;
      else
        erase_here();
      break;
    case ctrl('H'):
    case '\x7f':
      erase_back();
      break;
    case ctrl('A'):
      cursor_ = 0;
      break;
    case ctrl('E'):
      cursor_ = text_.size();
      break;
    case ctrl('U'):
      text_.erase(0, cursor_);
      cursor_ = 0;
      break;
    case ctrl('K'):
      text_.erase(cursor_);
      break;
    case ctrl('W'):
      erase_word();
      break;
    case ctrl('L'):
      result.redraw = true;
      break;
    case '\t':
      insert(" ");
      break;
    default:
      break;  // no meaning here
  }
}

void LineEditor::escape(std::string_view sequence) {
  if (sequence == "\033[D" || sequence == "\033OD") left();
  if (sequence == "\033[C" || sequence == "\033OC") right();
  if (sequence == "\033[H" || sequence == "\033OH" || sequence == "\033[1~") cursor_ = 0;
  if (sequence == "\033[F" || sequence == "\033OF" || sequence == "\033[4~") cursor_ = text_.size();
  if (sequence == "\033[3~") erase_here();
  if (sequence == "\033[200~") pasting_ = true;
  if (sequence == "\033[201~") pasting_ = false;
}

LineEditor::Result LineEditor::feed(std::string_view bytes) {
  Result result;
  for (const char c : bytes) {
    if (!partial_.empty() && partial_.front() == '\033') {
      partial_ += c;
      const bool introducer = partial_.size() == 2 && (c == '[' || c == 'O');
      if (introducer || (partial_[1] == '[' && (c < '@' || c > '~'))) continue;
      escape(std::exchange(partial_, {}));
    } else if (c == '\033') {
      partial_ = c;
    } else if (pasting_ && (c == '\r' || c == '\n')) {
      insert("\n");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      control(c, result);
    } else {
      insert({&c, 1});
    }
  }
  return result;
}

}  // namespace parley::cli
