#include "tests/support/backends/backends.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace parley::test {

std::string backend(std::string_view name) {
  const char* other = std::getenv("PARLEY_BACKENDS");
  const std::string path = other ? other : PARLEY_BACKENDS_FILE;
  std::ifstream list(path);
  std::string server, address;
  while (list >> server >> address)
    if (server == name) return address;
  throw std::runtime_error(
      fmt::format("{} does not say where {} listens: start the servers by `scripts/backends start "
                  "--folder {}`, or run this test by ctest, which does",
                  path, name, path.substr(0, path.rfind('/'))));
}

std::string unique_name(std::string_view prefix) {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{}_{:x}_{}_{}", prefix, now, ::getpid(), ++count);
}

}  // namespace parley::test
