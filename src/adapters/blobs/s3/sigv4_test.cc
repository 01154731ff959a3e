// The examples of Amazon's documentation, with their published signatures:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
#include "adapters/blobs/s3/sigv4.h"

#include <gtest/gtest.h>

namespace parley::blobs {
namespace {

const S3Keys kKeys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};
const S3Time kNow =
    std::chrono::sys_days(std::chrono::year(2013) / 5 / 24) + std::chrono::seconds(0);
const std::string kHost = "examplebucket.s3.amazonaws.com";

std::string signature(S3Request request, std::string_view payload) {
  sign(request, kKeys, sha256_hex(payload), kNow);
  const auto& header = request.headers["authorization"];
  return header.substr(header.rfind('=') + 1);
}

TEST(SigV4, GetObject) {
  S3Request request{"GET", kHost, "/test.txt", {}, {{"range", "bytes=0-9"}}};
  sign(request, kKeys, sha256_hex(""), kNow);
  EXPECT_EQ(request.headers["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, PutObject) {
  EXPECT_EQ(signature({"PUT",
                       kHost,
                       "/test$file.text",
                       {},
                       {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
                      "Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, GetBucketLifecycle) {
  EXPECT_EQ(signature({"GET", kHost, "/", {{"lifecycle", ""}}, {}}, ""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4, ListObjects) {
  EXPECT_EQ(signature({"GET", kHost, "/", {{"max-keys", "2"}, {"prefix", "J"}}, {}}, ""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, PresignedUrl) {
  S3Request request{"GET", kHost, "/test.txt", {}, {}};
  presign(request, kKeys, kNow, std::chrono::seconds(86'400));
  EXPECT_EQ(request.query["X-Amz-Signature"],
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  EXPECT_TRUE(encoded_target(request).starts_with(
      "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%"
      "2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"));
}

}  // namespace
}  // namespace parley::blobs
