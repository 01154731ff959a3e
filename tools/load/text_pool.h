#pragma once
#include <cstdint>
#include <string>

#include "checker/send_id.h"

namespace parley::load {

/// The text of each send: the same for the same number, different between numbers, so that a resend
/// needs no copy. Printable ASCII.
class TextPool {
 public:
  TextPool(std::uint64_t seed, std::size_t bytes);
  /// Replaces `text`.
  void make(SendIndex send, std::string& text) const;

 private:
  std::size_t bytes_;
  std::string pool_;
};

}  // namespace parley::load
