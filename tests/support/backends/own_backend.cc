#include "tests/support/backends/own_backend.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>

namespace parley::test {

OwnBackend::OwnBackend(std::string name) : name_(std::move(name)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "parley-backend-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  folder_ = pattern;
  start();
}

OwnBackend::~OwnBackend() {
  try {
    script("stop");
    std::filesystem::remove_all(folder_);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
  }
}

std::string OwnBackend::address() const {
  std::ifstream list(folder_ / "addresses");
  std::string server, address;
  while (list >> server >> address)
    if (server == name_) return address;
  throw std::runtime_error(fmt::format("{} does not name {}", folder_.string(), name_));
}

void OwnBackend::kill() { script("kill " + name_); }
void OwnBackend::start() { script("start " + name_ + " --quick"); }

void OwnBackend::script(const std::string& command) const {
  const auto line =
      fmt::format("'{}' {} --folder '{}' >>'{}/script.log' 2>&1", PARLEY_BACKENDS_SCRIPT, command,
                  folder_.string(), folder_.string());
  if (std::system(line.c_str()) != 0) throw std::runtime_error(fmt::format("failed: {}", line));
}

}  // namespace parley::test
