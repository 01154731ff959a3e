#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codes.h"

namespace parley::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// A whole HTTP/1.1 request, its body within `EdgeConfig::max_http_body`.
struct HttpRequest {
  std::string method;  // as sent, upper case
  std::string target;  // path and query, as sent (still percent-encoded)
  HttpHeaders headers;
  std::string body;
  std::string remote_address;  // numeric, no port
  bool keep_alive = true;

  /// The first header of that name (case does not matter), or empty.
  std::string_view header(std::string_view name) const;
};

/// What to answer. Length, date, connection and security headers are added by the edge.
struct HttpResponse {
  unsigned status = 200;
  std::string content_type = {};
  std::string body = {};
  HttpHeaders headers = {};
};

/// `{"error":{"code":"...","message":"..."}}` with that status. Of a retryable code it says when to
/// come again, in the body and in the header.
HttpResponse http_error(unsigned status, Code code, std::string_view message,
                        std::chrono::seconds retry_after = std::chrono::seconds(1));

}  // namespace parley::net
