#include "adapters/blobs/s3/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/check.h"

namespace parley::blobs {
namespace {

constexpr std::size_t kMostBody = 1 << 20;

struct Going {
  const HttpCall& call;
  HttpAnswer answer;
  std::size_t sent = 0;
  std::optional<Error> failure;  // of the sink
};

std::size_t take_header(char* data, std::size_t, std::size_t size, void* to) {
  auto& going = *static_cast<Going*>(to);
  std::string_view line(data, size);
  if (line.starts_with("HTTP/")) going.answer.headers.clear();  // after a 100
  const auto colon = line.find(':');
  if (colon == line.npos) return size;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())))
    value.remove_suffix(1);
  going.answer.headers[std::move(name)] = value;
  return size;
}

struct Body {
  Going* going;
  CURL* curl;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* to) {
  auto& going = *static_cast<Body*>(to)->going;
  long status = 0;
  curl_easy_getinfo(static_cast<Body*>(to)->curl, CURLINFO_RESPONSE_CODE, &status);
  if (going.call.sink && status / 100 == 2) {
    auto taken = going.call.sink({data, size});
    if (taken) return size;
    going.failure = std::move(taken).error();
    return 0;
  }
  if (going.answer.body.size() + size > kMostBody) return 0;
  going.answer.body.append(data, size);
  return size;
}

std::size_t give_body(char* buffer, std::size_t, std::size_t size, void* from) {
  auto& going = *static_cast<Going*>(from);
  const auto part = going.call.body.substr(going.sent, size);
  std::ranges::copy(part, buffer);
  going.sent += part.size();
  return part.size();
}

int rewind_body(void* from, curl_off_t offset, int) {
  static_cast<Going*>(from)->sent = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Error failure_of(CURLcode code) {
  const auto kind = code == CURLE_OPERATION_TIMEDOUT ? Code::timed_out : Code::unavailable;
  return {
      kind, fmt::format("the S3 store cannot be reached: {}", curl_easy_strerror(code)), {}, 1'000};
}

}  // namespace

struct Http::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

Http::Http(Timeouts timeouts) : timeouts_(timeouts) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  PARLEY_CHECK(global == CURLE_OK, "libcurl begins");
}
Http::~Http() = default;

std::unique_ptr<Http::Handle> Http::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void Http::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
}

Result<HttpAnswer> Http::call(const HttpCall& call) {
  auto handle = take();
  auto* curl = handle->curl;
  PARLEY_CHECK(curl, "a handle of libcurl");
  curl_easy_reset(curl);  // keeps the connections
  Going going{call, {}, 0, {}};
  Body body{&going, curl};
  curl_slist* headers = nullptr;
  for (const auto& [name, value] : call.headers)
    headers = curl_slist_append(headers, (name + ": " + value).c_str());
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeouts_.connect.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(
      curl, CURLOPT_LOW_SPEED_TIME,
      static_cast<long>(std::chrono::ceil<std::chrono::seconds>(timeouts_.silence).count()));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &going);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  if (call.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (call.method == "PUT" || call.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, &going);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, rewind_body);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &going);
  }
  if (call.method != "HEAD") curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  const auto code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  give_back(std::move(handle));
  if (going.failure) return std::unexpected(std::move(*going.failure));
  if (code != CURLE_OK) return std::unexpected(failure_of(code));
  going.answer.status = static_cast<unsigned>(status);
  return std::move(going.answer);
}

}  // namespace parley::blobs
