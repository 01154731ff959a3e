#pragma once
#include <filesystem>
#include <openssl/evp.h>
#include <string>
#include <string_view>
#include <utility>

#include "ports/blobs.h"

namespace parley::blobs {

/// A file descriptor; errors name the file and say what the system said.
class File {
 public:
  static Result<File> open(const std::filesystem::path& path, int flags);
  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  ~File();

  Result<std::size_t> read(std::span<char> buffer, std::uint64_t at) const;  // 0: the end
  Result<void> write(std::string_view bytes) const;                          // all of it
  Result<void> sync() const;
  Result<std::uint64_t> size() const;

 private:
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_;
};

/// Makes the names in a folder durable.
Result<void> sync_folder(const std::filesystem::path& folder);
/// Makes the folders of a path and makes their names durable.
Result<void> make_folders(const std::filesystem::path& folder);

/// The failure of a call on a file, by errno.
Error file_error(const std::filesystem::path& path, std::string_view doing, int number);

/// SHA-256 of what is added.
class Sha256 {
 public:
  Sha256();
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  void add(std::string_view bytes);
  std::string hex();  // once, at the end

 private:
  EVP_MD_CTX* context_;
};

/// What stands before the bytes of a stored blob: a line each of format, size, checksum and content
/// type, filled up with spaces to kHeaderBytes.
inline constexpr std::size_t kHeaderBytes = 512;
std::string header_of(const BlobDeclared& declared);
Result<BlobDeclared> parse_header(std::string_view header);

}  // namespace parley::blobs
