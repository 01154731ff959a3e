#pragma once
#include <chrono>
#include <cstddef>

namespace parley::message {

struct Settings {
  std::size_t cached_conversations = 2'048;  // idle ones, in all loops together
  std::size_t waiting_sends = 65'536;        // of one loop; beyond: `busy`
  std::size_t batch_entries = 256;           // of one conversation in one commit
  std::size_t batch_bytes = 1 << 20;
  std::chrono::milliseconds confirm_within{3'000};  // then push
  std::chrono::milliseconds receipt_every{
      1'000};  // at most one receipt frame per member and this long
};

}  // namespace parley::message
