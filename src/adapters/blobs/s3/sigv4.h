#pragma once
#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace parley::blobs {

struct S3Keys {
  std::string access, secret, region;
};
/// One request to S3, as it is signed.
struct S3Request {
  std::string method;
  std::string host;                            // with its port, if that is not the scheme's own
  std::string path;                            // not encoded: "/bucket/name"
  std::map<std::string, std::string> query;    // neither
  std::map<std::string, std::string> headers;  // names in lower case; without host
};

using S3Time = std::chrono::sys_seconds;

/// Adds the headers x-amz-date, x-amz-content-sha256 and authorization: AWS Signature Version 4
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
/// `payload_sha256`: 64 hex digits.
void sign(S3Request& request, const S3Keys& keys, std::string_view payload_sha256, S3Time now);

/// Adds the signature to the query: whoever has the URL may make this request, with any body, until
/// it expires (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
void presign(S3Request& request, const S3Keys& keys, S3Time now, std::chrono::seconds expires);

/// Path and query as they go over the wire.
std::string encoded_target(const S3Request& request);

std::string sha256_hex(std::string_view bytes);

}  // namespace parley::blobs
