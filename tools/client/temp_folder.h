#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace parley::client {

/// A fresh folder for a test, gone at the end of the scope.
class TempFolder {
 public:
  TempFolder() {
    std::string made = (std::filesystem::temp_directory_path() / "parley-XXXXXX").string();
    if (!::mkdtemp(made.data())) std::abort();
    path_ = made;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace parley::client
