#include "client/default_profile.h"

#include <fmt/format.h>
#include <fstream>

namespace parley::client {
namespace fs = std::filesystem;

std::string default_profile(const fs::path& folder) {
  std::ifstream in(folder / "default");
  std::string profile;
  std::getline(in, profile);
  return profile;
}

Outcome<void> set_default_profile(const fs::path& folder, const std::string& profile) {
  const auto path = folder / "default", fresh = folder / "default.new";
  std::error_code ec;
  if (profile.empty()) {
    fs::remove(path, ec);
  } else {
    std::ofstream out(fresh);
    out << profile << '\n';
    out.close();
    if (!out) return failed(fmt::format("cannot write {}", fresh.string()));
    fs::rename(fresh, path, ec);
  }
  if (ec) return failed(fmt::format("cannot change {}: {}", path.string(), ec.message()));
  return {};
}

}  // namespace parley::client
