#pragma once
#include "adapters/blobs/s3/http.h"
#include "adapters/blobs/s3/sigv4.h"
#include "base/clock.h"
#include "ports/blobs.h"

namespace parley::blobs {

struct S3Settings {
  std::string endpoint;  // "http://127.0.0.1:9000" or "https://host"; the bucket goes in the path
  std::string bucket;    // is there already
  S3Keys keys;
  Http::Timeouts timeouts;
  unsigned attempts = 4;                       // of what failed in passing
  std::chrono::milliseconds first_pause{100};  // doubles
};

/// Blobs as objects of one bucket of an S3 store. The declared checksum is kept as the object's
/// metadata; every request is signed with the checksum of its body, which the store verifies. A
/// store or a network that fails in passing is tried again.
class S3BlobStore final : public BlobStore {
 public:
  S3BlobStore(const Clock& clock, S3Settings settings);

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

  /// Whoever has the URL may read the blob until it expires (7 days at most).
  std::string download_url(const std::string& name, std::chrono::seconds expires) const;
  /// Likewise, PUT this part; the answer's ETag is the part's.
  std::string part_url(const std::string& name, const std::string& upload, unsigned number,
                       std::chrono::seconds expires) const;

 private:
  S3Request request(std::string method, const std::string& name,
                    std::map<std::string, std::string> query = {},
                    std::map<std::string, std::string> headers = {}) const;
  /// Signed, and again while it fails in passing; an answer that is not 2xx is an error.
  Result<HttpAnswer> call(const S3Request& request, std::string_view body = {},
                          const std::function<Result<void>(std::string_view)>& sink = {});
  Result<BlobInfo> put_in_parts(const std::string& name, const BlobDeclared& declared,
                                std::string first, const BlobSource& source);
  S3Time now() const;

  const Clock& clock_;
  const S3Settings settings_;
  std::string host_;
  Http http_;
};

}  // namespace parley::blobs
