#include "adapters/shared/sqlite/folder.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace parley::sqlite {
namespace {

std::unexpected<Error> cannot(std::string_view what, const std::filesystem::path& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return fail(full ? Code::storage_full : Code::unavailable,
              fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)));
}

Result<void> sync_folder(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return cannot("open", path, errno);
  const int failed = ::fsync(fd) ? errno : 0;
  ::close(fd);
  if (failed) return cannot("sync", path, failed);
  return {};
}

}  // namespace

Result<Folder> Folder::lock(const std::filesystem::path& path) {
  std::error_code error;
  const auto full = std::filesystem::absolute(path, error).lexically_normal();
  if (!std::filesystem::exists(full, error)) {
    std::filesystem::create_directories(full.parent_path(), error);
    if (::mkdir(full.c_str(), 0700) != 0 && errno != EEXIST)
      return cannot("make the folder", full, errno);
    PARLEY_TRY_VOID(sync_folder(full.parent_path()));
  }
  const auto file = full / "LOCK";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return cannot("open", file, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    ::close(fd);
    if (why != EWOULDBLOCK) return cannot("lock", file, why);
    return fail(Code::unavailable,
                fmt::format("another process uses {}: stop it, or choose another data folder",
                            full.string()));
  }
  return Folder(full, fd);
}

Folder::Folder(Folder&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

Folder::~Folder() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Folder::ensure_file(const std::string& name) {
  const auto file = path_ / name;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    if (errno == EEXIST) return {};
    return cannot("make", file, errno);
  }
  ::close(fd);
  return sync_folder(path_);
}

}  // namespace parley::sqlite
