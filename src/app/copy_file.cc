#include "app/copy_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>
#include <vector>

namespace parley::app {
namespace {

constexpr std::size_t kPiece = 1 << 20;

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
  if (::fdatasync(file.fd) != 0) return cannot("sync", path);
  return {};
}

File create(const std::filesystem::path& path) {
  return File(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

/// `use(piece)` with the file's bytes, and their hash.
template <class Use>
Result<std::string> read_pieces(const std::filesystem::path& path, Use use) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return cannot("open", path);
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<char> buffer(kPiece);
  for (off_t at = 0;;) {
    const auto got = ::read(file.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path);
    if (got == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(piece.data()),
                              piece.size());
    PARLEY_TRY_VOID(use(piece));
    // What is read once need not stay in memory in the place of what people read.
    ::posix_fadvise(file.fd, at, got, POSIX_FADV_DONTNEED);
    at += got;
  }
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&state, hash);
  std::string out;
  for (const auto byte : hash) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace

Result<std::string> sha256_of(const std::filesystem::path& file) {
  return read_pieces(file, [](std::string_view) { return Result<void>(); });
}

Result<std::string> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                              const std::function<Result<void>(std::uint64_t bytes)>& each) {
  const File out = create(to);
  if (out.fd < 0) return cannot("make", to);
  return read_pieces(from, [&](std::string_view piece) -> Result<void> {
    PARLEY_TRY_VOID(write_all(out, piece, to));
    return each(piece.size());
  });
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  const File out = create(path);
  if (out.fd < 0) return cannot("make", path);
  return write_all(out, content, path);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd < 0) return cannot("open", folder);
  if (::fsync(file.fd) != 0) return cannot("sync", folder);
  return {};
}

}  // namespace parley::app
