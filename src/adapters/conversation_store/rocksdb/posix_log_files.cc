#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/conversation_store/rocksdb/log_files.h"

namespace parley::conversation_log {
namespace {

std::unexpected<Error> failed(int error, std::string_view what, const std::string& path) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return fail(full ? Code::storage_full : Code::internal,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class PosixLogFile final : public LogFile {
 public:
  PosixLogFile(int fd, std::string path) : file_(fd), path_(std::move(path)) {}

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto n = ::pwrite(file_.fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(errno, "write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }
  Result<void> sync() override {
    if (::fdatasync(file_.fd()) != 0) return failed(errno, "sync", path_);
    return {};
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto n = ::pread(file_.fd(), into.data() + done, into.size() - done,
                             static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(errno, "read", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }
  Result<std::uint64_t> size() override {
    PARLEY_TRY(info, look());
    return static_cast<std::uint64_t>(info.st_size);
  }
  Result<bool> linked() override {
    PARLEY_TRY(info, look());
    return info.st_nlink > 1;
  }

 private:
  Result<struct stat> look() {
    struct stat info;
    if (::fstat(file_.fd(), &info) != 0) return failed(errno, "look at", path_);
    return info;
  }

  Descriptor file_;
  std::string path_;
};

class PosixLogFiles final : public LogFiles {
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return failed(errno, "open", path);
    return std::make_unique<PosixLogFile>(fd, path);
  }

  Result<std::unique_ptr<LogFile>> create(const std::string& path, std::uint64_t size) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return failed(errno, "create", path);
    auto file = std::make_unique<PosixLogFile>(fd, path);
    const auto fill = [&]() -> Result<void> {
      // Allocated first, so that a full disk is noticed before anything is written.
      if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(size)); error != 0)
        return failed(error, "allocate", path);
      // In small pieces, so that no sync beside this one waits for much.
      const std::string zeros(std::min<std::uint64_t>(size, 1 << 20), '\0');
      for (std::uint64_t at = 0; at < size; at += zeros.size()) {
        PARLEY_TRY_VOID(file->write(at, std::string_view(zeros).substr(
                                            0, std::min<std::uint64_t>(size - at, zeros.size()))));
        if (::fdatasync(fd) != 0) return failed(errno, "sync", path);
      }
      if (::fsync(fd) != 0) return failed(errno, "sync", path);
      return {};
    };
    if (auto filled = fill(); !filled) {
      ::unlink(path.c_str());
      return std::unexpected(std::move(filled).error());
    }
    return file;
  }

  Result<void> reserve(const std::string& path, std::uint64_t size) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return failed(errno, "create", path);
    const Descriptor file(fd);
    if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(size)); error != 0) {
      ::unlink(path.c_str());
      return failed(error, "allocate", path);
    }
    return {};
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed(errno, "rename", from);
    return {};
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return failed(errno, "link", from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return failed(errno, "remove", path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    DIR* const dir = ::opendir(folder.c_str());
    if (dir == nullptr) return failed(errno, "list", folder);
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(dir);)
      if (entry->d_type != DT_DIR) names.emplace_back(entry->d_name);
    const int error = errno;
    ::closedir(dir);
    if (error != 0) return failed(error, "list", folder);
    return names;
  }
  Result<bool> exists(const std::string& path) override {
    if (::access(path.c_str(), F_OK) == 0) return true;
    if (errno == ENOENT) return false;
    return failed(errno, "look for", path);
  }
  Result<void> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0)
      return sync_directory(std::filesystem::path(path).parent_path().string());
    if (errno == EEXIST) return {};
    if (errno != ENOENT) return failed(errno, "create the folder", path);
    PARLEY_TRY_VOID(make_directory(std::filesystem::path(path).parent_path().string()));
    return make_directory(path);
  }
  Result<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(errno, "open the folder", path);
    const Descriptor folder(fd);
    if (::fsync(fd) != 0) return failed(errno, "sync the folder", path);
    return {};
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return failed(errno, "open", path);
    auto held = std::make_shared<Descriptor>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return held;
    if (errno != EWOULDBLOCK) return failed(errno, "lock", path);
    return fail(Code::unavailable, fmt::format("{} is locked by another process", path));
  }
};

}  // namespace

std::shared_ptr<LogFiles> posix_log_files() { return std::make_shared<PosixLogFiles>(); }

}  // namespace parley::conversation_log
