#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace parley::net {

/// What one socket is still to be sent: shared blocks, written by gathered writes. Exists only
/// while something is queued.
class OutputQueue {
 public:
  enum class State { empty, blocked, failed };

  void push(SharedBytes block) {
    bytes_ += block.size();
    blocks_.push_back(std::move(block));
  }

  /// Writes as much as the socket takes; `written` grows by that.
  State flush(int fd, std::size_t& written);

  /// Moves at most `size` bytes off the front to `to`; returns how many.
  std::size_t take(char* to, std::size_t size);

  /// Drops what was not begun: of a block that is partly written, the peer gets the rest.
  void keep_only_started();

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  /// Ready for another socket; keeps a little of its memory.
  void clear();

  std::uint32_t progress_tick = 0;  // when the socket last took something, while it is full

 private:
  void advance(std::size_t written);

  std::vector<SharedBytes> blocks_;
  std::size_t first_ = 0;   // blocks before it are written and released
  std::size_t offset_ = 0;  // bytes of the first one that are written
  std::size_t bytes_ = 0;
};

}  // namespace parley::net
