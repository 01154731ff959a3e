#include "app/copy_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <memory>
#include <openssl/evp.h>
#include <unistd.h>
#include <vector>

#include "base/check.h"

namespace parley::app {
namespace {

// The kernel lets whoever is woken on this core wait until it has read or written a piece, or sent
// it to the disk: a tenth of a millisecond or two.
constexpr std::size_t kPiece = 32 << 10;
// So much, and the rest of each file, goes to the disk while more is copied, without a sync that
// those of others wait for.
constexpr off_t kSendAfter = 128 << 10;

std::unexpected<Error> cannot(std::string_view what, const std::filesystem::path& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return fail(full ? Code::storage_full : Code::unavailable,
              fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

/// A file descriptor that is closed.
struct File {
  explicit File(int opened) : fd(opened) {}
  File(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

Result<void> write_all(const File& file, std::string_view bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(file.fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync(const File& file, const std::filesystem::path& path) {
  if (::fdatasync(file.fd) != 0) return cannot("sync", path);
  return {};
}

File create(const std::filesystem::path& path) {
  return File(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

/// `use(piece)` with the file's bytes, or the first ones of them, and their hash.
template <class Use>
Result<std::string> read_pieces(const std::filesystem::path& path, Use use,
                                std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max()) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return cannot("open", path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
  PARLEY_CHECK(digest && EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1,
               "OpenSSL has no SHA-256");
  std::vector<char> buffer(kPiece);
  for (off_t at = 0;;) {
    const auto got = ::read(file.fd, buffer.data(), std::min<std::uint64_t>(buffer.size(), bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path);
    if (got == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    EVP_DigestUpdate(digest.get(), piece.data(), piece.size());
    PARLEY_TRY_VOID(use(piece));
    // What is read once need not stay in memory in the place of what people read.
    ::posix_fadvise(file.fd, at, got, POSIX_FADV_DONTNEED);
    at += got;
    bytes -= static_cast<std::uint64_t>(got);
  }
  std::array<unsigned char, 32> hash;
  EVP_DigestFinal_ex(digest.get(), hash.data(), nullptr);
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

}  // namespace

Result<std::string> sha256_of(const std::filesystem::path& file, const EachPiece& each) {
  return read_pieces(file, [&](std::string_view piece) { return each(piece.size()); });
}

Result<std::string> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                              const EachPiece& each, std::uint64_t bytes) {
  const File out = create(to);
  if (out.fd < 0) return cannot("make", to);
  off_t written = 0, sent = 0;
  const auto send = [&] {
    ::sync_file_range(out.fd, sent, written - sent, SYNC_FILE_RANGE_WRITE);
    sent = written;
  };
  const auto use = [&](std::string_view piece) -> Result<void> {
    PARLEY_TRY_VOID(write_all(out, piece, to));
    written += static_cast<off_t>(piece.size());
    if (written - sent >= kSendAfter) send();
    return each(piece.size());
  };
  PARLEY_TRY(sum, read_pieces(from, use, bytes));
  if (written > sent) send();
  if (bytes != std::numeric_limits<std::uint64_t>::max() &&
      static_cast<std::uint64_t>(written) != bytes)
    return fail(Code::damaged, fmt::format("{} has only {} bytes", from.string(), written));
  return sum;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  const File out = create(path);
  if (out.fd < 0) return cannot("make", path);
  PARLEY_TRY_VOID(write_all(out, content, path));
  return sync(out, path);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd < 0) return cannot("open", folder);
  if (::fsync(file.fd) != 0) return cannot("sync", folder);
  return {};
}

Result<void> sync_tree(const std::filesystem::path& folder,
                       const std::function<Result<void>()>& each) {
  std::error_code error;
  for (const auto& one : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (one.is_directory(error)) {
      PARLEY_TRY_VOID(sync_folder(one.path()));
    } else {
      const File file(::open(one.path().c_str(), O_RDONLY | O_CLOEXEC));
      if (file.fd < 0) return cannot("open", one.path());
      PARLEY_TRY_VOID(sync(file, one.path()));
    }
    PARLEY_TRY_VOID(each());
  }
  if (error)
    return fail(Code::unavailable, fmt::format("{}: {}", folder.string(), error.message()));
  return sync_folder(folder);
}

}  // namespace parley::app
