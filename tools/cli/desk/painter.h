#pragma once
#include "cli/desk/layout.h"

namespace parley::cli::desk {

/// Turns frames into the bytes that bring a terminal from one to the next: only rows that differ
/// are written. Pure.
class Painter {
 public:
  /// The alternate screen; what was on the terminal comes back with leave().
  std::string enter();
  std::string leave() const;
  /// What is on the screen is not known: the next frame is painted whole.
  void forget() { shown_.clear(); }
  std::string paint(const Frame& frame);

 private:
  std::vector<std::string> shown_;
};

}  // namespace parley::cli::desk
