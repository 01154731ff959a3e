#include "cli/desk/keys.h"

#include <array>
#include <utility>

namespace parley::cli::desk {
namespace {

constexpr char ctrl(char c) { return static_cast<char>(c & 0x1f); }

struct Sequence {
  std::string_view bytes;
  Key::Name name;
};

constexpr std::array kSequences{
    Sequence{"\033[A", Key::up},          Sequence{"\033OA", Key::up},
    Sequence{"\033[B", Key::down},        Sequence{"\033OB", Key::down},
    Sequence{"\033[5~", Key::page_up},    Sequence{"\033[6~", Key::page_down},
    Sequence{"\033[1;3A", Key::previous}, Sequence{"\033[1;3B", Key::next},
    Sequence{"\033[1;5F", Key::newest},   Sequence{"\033OP", Key::help},
    Sequence{"\033[11~", Key::help},      Sequence{"\033[[A", Key::help},
};

void add_bytes(std::vector<Key>& keys, std::string_view text) {
  if (keys.empty() || keys.back().name != Key::bytes) keys.push_back({Key::bytes, {}});
  keys.back().text += text;
}

Key::Name name_of(char c) {
  switch (c) {
    case '\r':
    case '\n':
      return Key::enter;
    case '\t':
      return Key::tab;
    case ctrl('N'):
      return Key::next;
    case ctrl('P'):
      return Key::previous;
    case ctrl('F'):
      return Key::find;
    case ctrl('L'):
      return Key::redraw;
    case ctrl('Z'):
      return Key::suspend;
    case ctrl('C'):
      return Key::leave;
    default:
      return Key::bytes;
  }
}

}  // namespace

void Keys::sequence(std::vector<Key>& keys) {
  const auto whole = std::exchange(partial_, {});
  if (whole == "\033[200~") pasting_ = true;
  if (whole == "\033[201~") pasting_ = false;
  for (const auto& known : kSequences)
    if (known.bytes == whole) {
      keys.push_back({known.name, {}});
      return;
    }
  add_bytes(keys, whole);
}

std::vector<Key> Keys::feed(std::string_view bytes) {
  std::vector<Key> keys;
  for (const char c : bytes) {
    if (!partial_.empty()) {
      if (partial_ == "\033" && c == '\033') {
        keys.push_back({Key::escape, {}});
        continue;
      }
      partial_ += c;
      if (partial_.size() == 2 && (c == '[' || c == 'O')) continue;
      if (partial_ == "\033[[") continue;  // the Linux console's function keys
      if (partial_[1] == '[' && partial_ != "\033[[A" && (c < '@' || c > '~')) continue;
      sequence(keys);
    } else if (c == '\033') {
      partial_ = c;
    } else if (const auto name = name_of(c); name != Key::bytes && !pasting_) {
      keys.push_back({name, {}});
    } else {
      add_bytes(keys, {&c, 1});
    }
  }
  return keys;
}

std::vector<Key> Keys::give_up_waiting() {
  if (!waits_for_more()) return {};
  partial_.clear();
  return {{Key::escape, {}}};
}

}  // namespace parley::cli::desk
