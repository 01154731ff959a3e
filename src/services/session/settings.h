#pragma once
#include <chrono>

namespace parley::session {

struct Settings {
  std::chrono::milliseconds gateway_timeout{15'000};  // not heard for so long: dropped
  std::chrono::milliseconds sweep_every{1'000};
};

}  // namespace parley::session
