#pragma once
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace parley {

/// Immutable bytes with a shared, atomic reference count: one allocation, one pointer to carry.
/// Made once, sent to many.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(std::string_view content) : SharedBytes(content, {}) {}
  /// Two parts, one after the other (a header and a payload).
  SharedBytes(std::string_view first, std::string_view second) {
    auto* raw = static_cast<Block*>(::operator new(sizeof(Block) + first.size() + second.size()));
    block_ = new (raw) Block{{1}, static_cast<std::uint32_t>(first.size() + second.size())};
    if (!first.empty()) std::memcpy(block_->data(), first.data(), first.size());
    if (!second.empty()) std::memcpy(block_->data() + first.size(), second.data(), second.size());
  }
  SharedBytes(const SharedBytes& other) : block_(other.block_) {
    if (block_) block_->count.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ && block_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~Block();
      ::operator delete(block_);
    }
  }

  std::string_view view() const {
    return block_ ? std::string_view(block_->data(), block_->size) : std::string_view();
  }
  std::size_t size() const { return block_ ? block_->size : 0; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  struct Block {
    std::atomic<std::uint32_t> count;
    std::uint32_t size;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };
  Block* block_ = nullptr;
};

}  // namespace parley
