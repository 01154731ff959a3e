#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley {

struct BlobInfo {
  std::uint64_t size = 0;    // bytes
  std::string etag;          // opaque, without quotes; another content has another one
  std::string sha256;        // of the whole, 64 hex digits, as it was declared
  std::string content_type;  // as it was declared
};
struct BlobDeclared {
  std::uint64_t size = 0;
  std::string sha256;
  std::string content_type = "application/octet-stream";
};
/// Bytes `first` to `last`, both included and counted from 0, as in HTTP; a `last` beyond the end
/// is the end.
struct BlobRange {
  std::uint64_t first = 0;
  std::uint64_t last = ~std::uint64_t{0};
};
struct BlobPart {
  unsigned number = 0;  // 1 to 10,000
  std::string etag;     // what `put_part` answered
};
/// Fills the buffer and answers how much; 0: the end.
using BlobSource = std::function<Result<std::size_t>(std::span<char> buffer)>;
/// Takes the next bytes, 1 MiB at most. A failure ends the transfer and is its answer.
using BlobSink = std::function<Result<void>(std::string_view bytes)>;

/// Media by name. Any thread; blocks, so on the pool. Memory of a call: two parts (8 MiB each) at
/// most, however large the blob.
///
/// Names are 1 to 200 of `A-Z a-z 0-9 _ - . /`; between slashes there is something that does not
/// begin with a dot. What `put`, `complete` and `remove` answered is durable. A blob appears whole
/// or not at all, and replaces one of its name. Errors: `not_found`, `invalid_argument`, `damaged`
/// (not the declared size or checksum; nothing was stored), `storage_full`, `unavailable` and
/// `timed_out` (may have been done; every call may be repeated).
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<BlobInfo> put(const std::string& name, const BlobDeclared& declared,
                               const BlobSource& source) = 0;
  /// Without a range the checksum is verified: `damaged` after the last byte if it is another one.
  /// A range that begins beyond the end is `invalid_argument`.
  virtual Result<BlobInfo> get(const std::string& name, std::optional<BlobRange> range,
                               const BlobSink& sink) = 0;
  virtual Result<BlobInfo> stat(const std::string& name) = 0;
  /// One that is not there is removed, too.
  virtual Result<void> remove(const std::string& name) = 0;

  // In parts: for uploads that are resumed. Each part but the last has 5 to 8 MiB.
  /// Answers the id of the upload. The declared checksum is that of the whole.
  virtual Result<std::string> begin_upload(const std::string& name,
                                           const BlobDeclared& declared) = 0;
  /// Answers its etag. Again under one number: replaces.
  virtual Result<std::string> put_part(const std::string& name, const std::string& upload,
                                       unsigned number, std::string_view bytes) = 0;
  /// `parts` in the order of their numbers. Again: the same answer, or `not_found` (`stat` tells).
  /// The size is verified; the checksum by the next whole `get`, or at once where the store reads
  /// all of it anyway.
  virtual Result<BlobInfo> complete_upload(const std::string& name, const std::string& upload,
                                           std::span<const BlobPart> parts) = 0;
  /// One that is not there (any more) is aborted, too.
  virtual Result<void> abort_upload(const std::string& name, const std::string& upload) = 0;
  /// Aborts uploads that were begun longer ago than this and answers how many.
  virtual Result<std::size_t> abort_older(std::chrono::milliseconds age) = 0;
};

/// Whether a name is as BlobStore wants it.
inline bool is_blob_name(std::string_view name) {
  if (name.empty() || name.size() > 200) return false;
  char before = '/';
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
    if (!plain && c != '/' && c != '.') return false;
    if (before == '/' && !plain) return false;
    before = c;
  }
  return before != '/';
}

}  // namespace parley
