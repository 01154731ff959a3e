#pragma once
#include <filesystem>
#include <memory>

#include "ports/blobs.h"

namespace parley::blobs {

/// Blobs as files of one folder, which one process has.
class FileBlobStore final : public BlobStore {
 public:
  /// Makes the folder if there is none. What an earlier process left half-written is removed.
  static Result<std::unique_ptr<FileBlobStore>> open(const std::filesystem::path& folder);

  Result<BlobInfo> put(const std::string& name, const BlobDeclared& declared,
                       const BlobSource& source) override;
  Result<BlobInfo> get(const std::string& name, std::optional<BlobRange> range,
                       const BlobSink& sink) override;
  Result<BlobInfo> stat(const std::string& name) override;
  Result<void> remove(const std::string& name) override;
  Result<std::string> begin_upload(const std::string& name, const BlobDeclared& declared) override;
  Result<std::string> put_part(const std::string& name, const std::string& upload, unsigned number,
                               std::string_view bytes) override;
  Result<BlobInfo> complete_upload(const std::string& name, const std::string& upload,
                                   std::span<const BlobPart> parts) override;
  Result<void> abort_upload(const std::string& name, const std::string& upload) override;
  Result<std::size_t> abort_older(std::chrono::milliseconds age) override;

 private:
  explicit FileBlobStore(const std::filesystem::path& folder)
      : blobs_(folder / "blobs"), uploads_(folder / "uploads"), temporary_(folder / "temporary") {}
  std::filesystem::path path_of(const std::string& name) const;
  /// The folder of an upload of this blob; `not_found` if there is none.
  Result<std::filesystem::path> upload_of(const std::string& name, const std::string& upload) const;

  const std::filesystem::path blobs_, uploads_, temporary_;
};

}  // namespace parley::blobs
