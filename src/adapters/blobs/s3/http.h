#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::blobs {

struct HttpCall {
  std::string method, url;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string_view body;
  /// Takes the body of an answer of 2xx as it comes; without it, it is in HttpAnswer::body.
  std::function<Result<void>(std::string_view)> sink;
};
struct HttpAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // likewise
  std::string body;                            // 1 MiB at most
};

/// Calls over HTTP by libcurl, on connections that are kept. Any thread; blocks.
class Http {
 public:
  struct Timeouts {
    std::chrono::milliseconds connect{2'000};
    std::chrono::milliseconds silence{10'000};  // less than a byte a second for so long
  };
  explicit Http(Timeouts timeouts);
  ~Http();
  Http(const Http&) = delete;

  /// Errors: `unavailable` (no connection, or it broke), `timed_out`; the sink's own.
  Result<HttpAnswer> call(const HttpCall& call);

 private:
  struct Handle;
  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  const Timeouts timeouts_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace parley::blobs
