#pragma once
#include <filesystem>

#include "base/result.h"

namespace parley::sqlite {

/// A folder that this process alone uses, for as long as the object lives: made if missing (mode
/// 0700) and locked (`flock` on its file LOCK, released by the kernel when the process ends).
class Folder {
 public:
  /// `unavailable`: another process holds it.
  static Result<Folder> lock(const std::filesystem::path& path);
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&&) = delete;
  ~Folder();

  /// Makes an empty file of mode 0600 if it is missing; durably.
  Result<void> ensure_file(const std::string& name);
  const std::filesystem::path& path() const { return path_; }

 private:
  Folder(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::filesystem::path path_;
  int fd_;
};

}  // namespace parley::sqlite
