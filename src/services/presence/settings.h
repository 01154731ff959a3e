#pragma once
#include <chrono>
#include <cstddef>

namespace parley::presence {

struct Settings {
  std::chrono::milliseconds grace{5'000};  // without a session: offline only after this
  std::chrono::milliseconds tick{250};     // a gateway hears once per tick at most
  std::size_t changes_per_tick = 4'096;    // told to one gateway; the others wait for the next
  std::chrono::milliseconds write_every{5'000};      // those who went, in one batch
  std::chrono::milliseconds refresh_every{300'000};  // those who are online, too
  std::size_t unwritten = 200'000;  // kept while the store fails; beyond, a batch is dropped
  std::size_t cached = 16'384;      // times of users who are offline
};

}  // namespace parley::presence
