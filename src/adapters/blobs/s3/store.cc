#include "adapters/blobs/s3/store.h"

#include <charconv>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <thread>

#include "adapters/blobs/s3/xml.h"
#include "base/check.h"

namespace parley::blobs {
namespace {

constexpr std::size_t kPart = 8 << 20;
constexpr const char* kChecksum = "x-amz-meta-sha256";

Result<void> check(const std::string& name, const BlobDeclared& declared) {
  if (!is_blob_name(name))
    return fail(Code::invalid_argument, fmt::format("\"{}\" is not a name of a blob", name));
  if (declared.sha256.size() != 64 ||
      declared.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fail(Code::invalid_argument, "a SHA-256 is 64 hex digits");
  if (declared.content_type.size() > 200 ||
      declared.content_type.find_first_of("\r\n") != std::string::npos)
    return fail(Code::invalid_argument, "a content type is one line of 200 characters at most");
  return {};
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

std::string header(const HttpAnswer& answer, const std::string& name) {
  const auto at = answer.headers.find(name);
  return at == answer.headers.end() ? "" : at->second;
}

/// The size of the whole: of a part, what Content-Range says behind its slash.
Result<BlobInfo> info_of(const HttpAnswer& answer) {
  auto length = header(answer, "content-length");
  if (answer.status == 206) {
    const auto range = header(answer, "content-range");
    length = range.substr(std::min(range.size(), range.rfind('/') + 1));
  }
  BlobInfo out{0, unquoted(header(answer, "etag")), header(answer, kChecksum),
               header(answer, "content-type")};
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), out.size);
  if (error != std::errc() || length.empty())
    return fail(Code::damaged, "the S3 store does not say how large a blob is");
  return out;
}

Error refusal(const HttpAnswer& answer) {
  const auto code = xml_text(answer.body, "Code");
  const auto message = fmt::format("the S3 store answers {} {}", answer.status, code);
  if (answer.status == 404) return {Code::not_found, message};
  if (answer.status == 416 || code == "InvalidArgument" || code == "InvalidPart" ||
      code == "InvalidPartOrder" || code == "EntityTooSmall" || code == "EntityTooLarge")
    return {Code::invalid_argument, message};
  if (code == "BadDigest" || code == "XAmzContentSHA256Mismatch") return {Code::damaged, message};
  if (answer.status == 507 || code == "QuotaExceeded" || code == "XMinioStorageFull")
    return {Code::storage_full, message, {}, 60'000};
  if (answer.status >= 500 || answer.status == 429) return {Code::unavailable, message, {}, 1'000};
  return {Code::internal, message};
}

class Sum {
 public:
  Sum() : context_(EVP_MD_CTX_new()) {
    PARLEY_CHECK(context_ && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1, "SHA-256");
  }
  ~Sum() { EVP_MD_CTX_free(context_); }
  Sum(const Sum&) = delete;
  void add(std::string_view bytes) {
    PARLEY_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1, "SHA-256");
  }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    PARLEY_CHECK(EVP_DigestFinal_ex(context_, digest, &size) == 1, "SHA-256");
    std::string out;
    for (auto byte : std::span(digest, size))
      fmt::format_to(std::back_inserter(out), "{:02x}", byte);
    return out;
  }

 private:
  EVP_MD_CTX* context_;
};

/// The next part: full, unless the source ends.
Result<std::string> next_part(const BlobSource& source) {
  std::string out(kPart, '\0');
  std::size_t size = 0;
  while (size < kPart) {
    PARLEY_TRY(got, source(std::span(out).subspan(size)));
    if (got == 0) break;
    size += got;
  }
  out.resize(size);
  return out;
}

Error not_as_declared() { return {Code::damaged, "the bytes are not those that were declared"}; }

}  // namespace

S3BlobStore::S3BlobStore(const Clock& clock, S3Settings settings)
    : clock_(clock), settings_(std::move(settings)), http_(settings_.timeouts) {
  host_ = settings_.endpoint.substr(settings_.endpoint.find("://") + 3);
}

S3Time S3BlobStore::now() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::sys_time<std::chrono::milliseconds>(
      std::chrono::milliseconds(clock_.wall().value)));
}

S3Request S3BlobStore::request(std::string method, const std::string& name,
                               std::map<std::string, std::string> query,
                               std::map<std::string, std::string> headers) const {
  return {std::move(method), host_, "/" + settings_.bucket + (name.empty() ? "" : "/" + name),
          std::move(query), std::move(headers)};
}

Result<HttpAnswer> S3BlobStore::call(const S3Request& request, std::string_view body,
                                     const std::function<Result<void>(std::string_view)>& sink) {
  const auto sum = sha256_hex(body);
  auto pause = settings_.first_pause;
  for (unsigned attempt = 1;; ++attempt, pause *= 2) {
    auto signed_request = request;
    sign(signed_request, settings_.keys, sum, now());
    bool begun = false;  // what the sink has cannot be taken back
    HttpCall call{request.method,
                  settings_.endpoint + encoded_target(signed_request),
                  signed_request.headers,
                  body,
                  {}};
    if (sink)
      call.sink = [&](std::string_view bytes) {
        begun = true;
        return sink(bytes);
      };
    auto answer = http_.call(call);
    if (answer && answer->status / 100 != 2) answer = std::unexpected(refusal(*answer));
    if (answer || begun || attempt >= settings_.attempts) return answer;
    const auto code = answer.error().code;
    if (code != Code::unavailable && code != Code::timed_out) return answer;
    std::this_thread::sleep_for(pause);
  }
}

Result<BlobInfo> S3BlobStore::put(const std::string& name, const BlobDeclared& declared,
                                  const BlobSource& source) {
  PARLEY_TRY_VOID(check(name, declared));
  PARLEY_TRY(first, next_part(source));
  if (first.size() == kPart && declared.size > kPart)
    return put_in_parts(name, declared, std::move(first), source);
  if (first.size() != declared.size || sha256_hex(first) != declared.sha256)
    return std::unexpected(not_as_declared());
  if (first.size() == kPart) {
    char more;
    PARLEY_TRY(got, source(std::span(&more, 1)));
    if (got != 0) return std::unexpected(not_as_declared());
  }
  PARLEY_TRY(answer,
             call(request("PUT", name, {},
                          {{"content-type", declared.content_type}, {kChecksum, declared.sha256}}),
                  first));
  return BlobInfo{declared.size, unquoted(header(answer, "etag")), declared.sha256,
                  declared.content_type};
}

Result<BlobInfo> S3BlobStore::put_in_parts(const std::string& name, const BlobDeclared& declared,
                                           std::string part, const BlobSource& source) {
  PARLEY_TRY(upload, begin_upload(name, declared));
  const auto all = [&]() -> Result<BlobInfo> {
    Sum sum;
    std::uint64_t size = 0;
    std::vector<BlobPart> parts;
    for (;;) {
      sum.add(part);
      size += part.size();
      const auto number = static_cast<unsigned>(parts.size() + 1);
      PARLEY_TRY(etag, put_part(name, upload, number, part));
      parts.push_back({number, etag});
      PARLEY_TRY(next, next_part(source));
      if (next.empty() || size > declared.size) break;
      part = std::move(next);
    }
    if (size != declared.size || sum.hex() != declared.sha256)
      return std::unexpected(not_as_declared());
    return complete_upload(name, upload, parts);
  }();
  if (!all)
    if (const auto aborted = abort_upload(name, upload); !aborted)
      return std::unexpected(Error{
          all.error().code, fmt::format("{} (and the upload {} could not be aborted: {})",
                                        all.error().message, upload, aborted.error().message)});
  return all;
}

Result<BlobInfo> S3BlobStore::get(const std::string& name, std::optional<BlobRange> range,
                                  const BlobSink& sink) {
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such blob");
  if (range && range->first > range->last)
    return fail(Code::invalid_argument, "the range is not within the blob");
  std::map<std::string, std::string> headers;
  if (range)
    headers["range"] = range->last == ~std::uint64_t{0}
                           ? fmt::format("bytes={}-", range->first)
                           : fmt::format("bytes={}-{}", range->first, range->last);
  Sum sum;
  const auto take = [&](std::string_view bytes) {
    sum.add(bytes);
    return sink(bytes);
  };
  PARLEY_TRY(answer, call(request("GET", name, {}, std::move(headers)), {}, take));
  if (range && answer.status != 206)
    return fail(Code::invalid_argument, "the range is not within the blob");
  PARLEY_TRY(info, info_of(answer));
  if (!range && sum.hex() != info.sha256)
    return fail(Code::damaged, fmt::format("the stored blob {} is not what was stored", name));
  return info;
}

Result<BlobInfo> S3BlobStore::stat(const std::string& name) {
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such blob");
  PARLEY_TRY(answer, call(request("HEAD", name)));
  return info_of(answer);
}

Result<void> S3BlobStore::remove(const std::string& name) {
  if (!is_blob_name(name)) return {};
  const auto answer = call(request("DELETE", name));
  if (!answer && answer.error().code != Code::not_found) return std::unexpected(answer.error());
  return {};
}

Result<std::string> S3BlobStore::begin_upload(const std::string& name,
                                              const BlobDeclared& declared) {
  PARLEY_TRY_VOID(check(name, declared));
  PARLEY_TRY(answer, call(request("POST", name, {{"uploads", ""}},
                                  {{"content-type", declared.content_type},
                                   {kChecksum, declared.sha256},
                                   {"x-amz-meta-size", std::to_string(declared.size)}})));
  const auto upload = xml_text(answer.body, "UploadId");
  if (upload.empty()) return fail(Code::internal, "the S3 store begins an upload without an id");
  return upload;
}

Result<std::string> S3BlobStore::put_part(const std::string& name, const std::string& upload,
                                          unsigned number, std::string_view bytes) {
  if (number < 1 || number > 10'000)
    return fail(Code::invalid_argument, "parts have the numbers 1 to 10,000");
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such upload");
  PARLEY_TRY(answer, call(request("PUT", name,
                                  {{"partNumber", std::to_string(number)}, {"uploadId", upload}}),
                          bytes));
  return unquoted(header(answer, "etag"));
}

Result<BlobInfo> S3BlobStore::complete_upload(const std::string& name, const std::string& upload,
                                              std::span<const BlobPart> parts) {
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such upload");
  std::string body = "<CompleteMultipartUpload>";
  for (const auto& part : parts)
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", part.number,
                        part.etag);
  body += "</CompleteMultipartUpload>";
  PARLEY_TRY(answer, call(request("POST", name, {{"uploadId", upload}}), body));
  // S3 may have begun with 200 and failed then.
  if (const auto code = xml_text(answer.body, "Code"); !code.empty())
    return fail_for(Code::unavailable, fmt::format("the S3 store answers 200 {}", code), 1'000);
  PARLEY_TRY(stored, call(request("HEAD", name)));
  PARLEY_TRY(info, info_of(stored));
  if (std::to_string(info.size) != header(stored, "x-amz-meta-size")) {
    PARLEY_TRY_VOID(remove(name));
    return std::unexpected(not_as_declared());
  }
  return info;
}

Result<void> S3BlobStore::abort_upload(const std::string& name, const std::string& upload) {
  if (!is_blob_name(name)) return {};
  const auto answer = call(request("DELETE", name, {{"uploadId", upload}}));
  if (!answer && answer.error().code != Code::not_found) return std::unexpected(answer.error());
  return {};
}

Result<std::size_t> S3BlobStore::abort_older(std::chrono::milliseconds age) {
  const auto before = clock_.wall().value - age.count();
  std::size_t count = 0;
  std::map<std::string, std::string> query{{"uploads", ""}};
  for (;;) {
    PARLEY_TRY(answer, call(request("GET", "", query)));
    for (const auto& upload : xml_parts(answer.body, "Upload")) {
      PARLEY_TRY(begun, xml_time_ms(xml_text(upload, "Initiated")));
      if (begun > before) continue;
      PARLEY_TRY_VOID(abort_upload(xml_text(upload, "Key"), xml_text(upload, "UploadId")));
      ++count;
    }
    if (xml_text(answer.body, "IsTruncated") != "true") return count;
    query["key-marker"] = xml_text(answer.body, "NextKeyMarker");
    query["upload-id-marker"] = xml_text(answer.body, "NextUploadIdMarker");
  }
}

std::string S3BlobStore::download_url(const std::string& name, std::chrono::seconds expires) const {
  auto get = request("GET", name);
  presign(get, settings_.keys, now(), expires);
  return settings_.endpoint + encoded_target(get);
}

std::string S3BlobStore::part_url(const std::string& name, const std::string& upload,
                                  unsigned number, std::chrono::seconds expires) const {
  auto put = request("PUT", name, {{"partNumber", std::to_string(number)}, {"uploadId", upload}});
  presign(put, settings_.keys, now(), expires);
  return settings_.endpoint + encoded_target(put);
}

}  // namespace parley::blobs
