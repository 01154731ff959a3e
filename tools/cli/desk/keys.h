#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace parley::cli::desk {

/// What the keyboard said.
struct Key {
  enum Name {
    bytes,  // for the line editor: text, its own control keys, anything pasted
    up,
    down,
    page_up,
    page_down,
    next,      // ^N, Alt-Down
    previous,  // ^P, Alt-Up
    newest,    // Ctrl-End, or End on an empty line
    tab,
    enter,
    escape,
    find,  // ^F
    help,  // F1
    redraw,
    suspend,
    leave,  // ^C, and ^D on an empty line
  } name;
  std::string text;  // of `bytes`
  bool operator==(const Key&) const = default;
};

/// Takes the bytes of a terminal in raw mode apart into keys. A sequence may come in pieces. Pure.
class Keys {
 public:
  std::vector<Key> feed(std::string_view bytes);
  /// An Escape that nothing followed for a while was the key.
  bool waits_for_more() const { return partial_ == "\033"; }
  std::vector<Key> give_up_waiting();

 private:
  void sequence(std::vector<Key>& keys);

  std::string partial_;
  bool pasting_ = false;
};

}  // namespace parley::cli::desk
