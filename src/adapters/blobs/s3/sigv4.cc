#include "adapters/blobs/s3/sigv4.h"

#include <ctime>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace parley::blobs {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  return out;
}

std::string hmac(std::string_view key, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  PARLEY_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size),
               "HMAC-SHA-256");
  return {reinterpret_cast<char*>(out), size};
}

std::string encoded(std::string_view text, bool slash_too) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && !slash_too);
    if (plain)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string encoded_query(const std::map<std::string, std::string>& query) {
  std::string out;
  for (const auto& [name, value] : query)
    fmt::format_to(std::back_inserter(out), "{}{}={}", out.empty() ? "" : "&", encoded(name, true),
                   encoded(value, true));
  return out;
}

struct Stamp {
  std::string day, second, scope;
};
Stamp stamp(S3Time now, const S3Keys& keys) {
  const std::time_t time = now.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  char text[17];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  const std::string second = text, day = second.substr(0, 8);
  return {day, second, fmt::format("{}/{}/s3/aws4_request", day, keys.region)};
}

/// host and the request's headers.
std::map<std::string, std::string> signed_headers(const S3Request& request) {
  auto out = request.headers;
  out["host"] = request.host;
  return out;
}
std::string names_of(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::string signature(const S3Request& request, const S3Keys& keys, std::string_view payload,
                      const Stamp& at) {
  const auto headers = signed_headers(request);
  std::string canonical = fmt::format("{}\n{}\n{}\n", request.method, encoded(request.path, false),
                                      encoded_query(request.query));
  for (const auto& [name, value] : headers) canonical += name + ":" + value + "\n";
  canonical += "\n" + names_of(headers) + "\n";
  canonical += payload;
  const auto to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", at.second, at.scope, sha256_hex(canonical));
  const auto key =
      hmac(hmac(hmac(hmac("AWS4" + keys.secret, at.day), keys.region), "s3"), "aws4_request");
  return hex(hmac(key, to_sign));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  PARLEY_CHECK(EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_sha256(), nullptr) == 1,
               "SHA-256");
  return hex({reinterpret_cast<char*>(out), size});
}

std::string encoded_target(const S3Request& request) {
  const auto query = encoded_query(request.query);
  return encoded(request.path, false) + (query.empty() ? "" : "?" + query);
}

void sign(S3Request& request, const S3Keys& keys, std::string_view payload_sha256, S3Time now) {
  const auto at = stamp(now, keys);
  request.headers["x-amz-date"] = at.second;
  request.headers["x-amz-content-sha256"] = payload_sha256;
  request.headers["authorization"] = fmt::format(
      "AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}", keys.access, at.scope,
      names_of(signed_headers(request)), signature(request, keys, payload_sha256, at));
}

void presign(S3Request& request, const S3Keys& keys, S3Time now, std::chrono::seconds expires) {
  const auto at = stamp(now, keys);
  request.query["X-Amz-Algorithm"] = "AWS4-HMAC-SHA256";
  request.query["X-Amz-Credential"] = fmt::format("{}/{}", keys.access, at.scope);
  request.query["X-Amz-Date"] = at.second;
  request.query["X-Amz-Expires"] = std::to_string(expires.count());
  request.query["X-Amz-SignedHeaders"] = names_of(signed_headers(request));
  request.query["X-Amz-Signature"] = signature(request, keys, "UNSIGNED-PAYLOAD", at);
}

}  // namespace parley::blobs
