#include "net/output_queue.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/socket.h"

namespace parley::net {
namespace {
constexpr std::size_t kGathered = 64;      // blocks per write
constexpr std::size_t kKeptCapacity = 64;  // blocks
}  // namespace

OutputQueue::State OutputQueue::flush(int fd, std::size_t& written) {
  while (bytes_ > 0) {
    std::array<iovec, kGathered> parts;
    const auto count = std::min(blocks_.size() - first_, kGathered);
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      auto block = blocks_[first_ + i].view();
      if (i == 0) block.remove_prefix(offset_);
      parts[i] = {const_cast<char*>(block.data()), block.size()};
      wanted += block.size();
    }
    const auto taken = transmit(fd, parts.data(), count);
    if (taken < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? State::blocked : State::failed;
    }
    written += taken;
    advance(taken);
    if (static_cast<std::size_t>(taken) < wanted) return State::blocked;
  }
  return State::empty;
}

std::size_t OutputQueue::take(char* to, std::size_t size) {
  std::size_t taken = 0;
  auto offset = offset_;
  for (auto i = first_; i < blocks_.size() && taken < size; ++i, offset = 0) {
    const auto part = blocks_[i].view().substr(offset, size - taken);
    std::memcpy(to + taken, part.data(), part.size());
    taken += part.size();
  }
  advance(taken);
  return taken;
}

void OutputQueue::advance(std::size_t written) {
  bytes_ -= written;
  written += offset_;
  while (first_ < blocks_.size() && written >= blocks_[first_].size()) {
    written -= blocks_[first_].size();
    blocks_[first_++] = {};
  }
  offset_ = written;
  if (first_ == blocks_.size()) {
    blocks_.clear();
    first_ = 0;
  } else if (first_ >= kKeptCapacity && first_ * 2 >= blocks_.size()) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::keep_only_started() {
  const std::size_t kept = offset_ > 0 ? 1 : 0;
  bytes_ = kept ? blocks_[first_].size() - offset_ : 0;
  blocks_.resize(first_ + kept);
}

void OutputQueue::clear() {
  blocks_.clear();
  if (blocks_.capacity() > kKeptCapacity) blocks_.shrink_to_fit();
  first_ = offset_ = bytes_ = 0;
}

}  // namespace parley::net
