#include "adapters/blobs/files/file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace parley::blobs {

Error file_error(const std::filesystem::path& path, std::string_view doing, int number) {
  const auto code = number == ENOENT                       ? Code::not_found
                    : number == ENOSPC || number == EDQUOT ? Code::storage_full
                    : number == EIO                        ? Code::damaged
                                                           : Code::internal;
  return {code, fmt::format("{} {}: {}", doing, path.string(), std::strerror(number))};
}

Result<File> File::open(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return std::unexpected(file_error(path, "opening", errno));
  return File(path, fd);
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::size_t> File::read(std::span<char> buffer, std::uint64_t at) const {
  for (;;) {
    const auto got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(file_error(path_, "reading", errno));
  }
}

Result<void> File::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error(path_, "writing", errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> File::sync() const {
  if (::fsync(fd_) == 0) return {};
  // What the disk holds is not known any more; the next attempt could say yes and be wrong.
  PARLEY_CHECK(errno == ENOSPC || errno == EDQUOT, "a sync failed");
  return std::unexpected(file_error(path_, "syncing", errno));
}

Result<std::uint64_t> File::size() const {
  struct stat about{};
  if (::fstat(fd_, &about) != 0) return std::unexpected(file_error(path_, "reading", errno));
  return static_cast<std::uint64_t>(about.st_size);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  PARLEY_TRY(opened, File::open(folder, O_RDONLY | O_DIRECTORY));
  return opened.sync();
}

Result<void> make_folders(const std::filesystem::path& folder) {
  std::error_code absent;
  if (std::filesystem::is_directory(folder, absent)) return {};
  PARLEY_TRY_VOID(make_folders(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(file_error(folder, "making", errno));
  return sync_folder(folder.parent_path());
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  PARLEY_CHECK(context_ && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1, "SHA-256");
}
void Sha256::add(std::string_view bytes) {
  PARLEY_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1, "SHA-256");
}
std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  PARLEY_CHECK(EVP_DigestFinal_ex(context_, digest, &size) == 1, "SHA-256");
  std::string out;
  for (auto byte : std::span(digest, size)) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  return out;
}

std::string header_of(const BlobDeclared& declared) {
  auto out = fmt::format("parley blob 1\n{}\n{}\n{}\n", declared.size, declared.sha256,
                         declared.content_type);
  PARLEY_CHECK(out.size() <= kHeaderBytes, "a content type that was checked");
  out.resize(kHeaderBytes, ' ');
  return out;
}

Result<BlobDeclared> parse_header(std::string_view header) {
  const auto line = [&header] {
    const auto end = header.find('\n');
    const auto out = header.substr(0, end);
    header.remove_prefix(end == header.npos ? header.size() : end + 1);
    return out;
  };
  const bool ours = line() == "parley blob 1";
  const auto size = line();
  BlobDeclared out;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), out.size);
  out.sha256 = line();
  out.content_type = line();
  if (!ours || error != std::errc() || end != size.data() + size.size() || out.sha256.size() != 64)
    return fail(Code::damaged, "a stored file does not begin as a blob does");
  return out;
}

}  // namespace parley::blobs
