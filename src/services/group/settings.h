#pragma once
#include <chrono>
#include <cstddef>

namespace parley::group {

struct Settings {
  std::chrono::milliseconds confirm_within{3'000};  // then once more, and a push; above 1 s
  std::chrono::milliseconds append_within{3'000};   // then the caller is not kept waiting
  std::chrono::milliseconds first_pause{50};        // before a retry; doubles up to the longest
  std::chrono::milliseconds longest_pause{5'000};
  std::chrono::milliseconds feed_patience{500};  // closing waits as long, at most
  std::size_t feed_page = 256;
  std::size_t room_members = 250'000;  // of all rooms that are kept while nothing happens in them
  std::size_t users_at_once = 512;     // of one call for marks or pushes
  std::size_t entries_again = 200;     // of one conversation, handed over once more
};

}  // namespace parley::group
