#include "net/http_reader.h"

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

namespace parley::net {
namespace http = boost::beast::http;

HttpReader::Kind HttpReader::next(char*& at, char* end, HttpLimits limits) {
  if (!parser_ || parser_->is_done()) {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(static_cast<std::uint32_t>(limits.max_header));
    parser_->body_limit(limits.max_body);
    continued_ = false;
  }
  while (at != end && !parser_->is_done()) {
    boost::system::error_code failed;
    const auto taken =
        parser_->put(boost::asio::const_buffer(at, static_cast<std::size_t>(end - at)), failed);
    at += taken;
    if (failed == http::error::need_more) return Kind::need_more;
    if (failed) {
      refuse(failed, limits);
      return Kind::refused;
    }
    if (taken == 0) break;
  }
  if (!parser_->is_done()) return Kind::need_more;
  if (message().version() == 11 && message().count(http::field::host) != 1) {
    refusal_ = http_error(400, "malformed", "An HTTP/1.1 request has exactly one Host header.");
    return Kind::refused;
  }
  return Kind::request;
}

void HttpReader::refuse(boost::system::error_code why, HttpLimits limits) {
  if (why == http::error::header_limit)
    refusal_ = http_error(431, "too_large",
                          fmt::format("The header is larger than {} bytes.", limits.max_header));
  else if (why == http::error::body_limit)
    refusal_ = http_error(413, "too_large",
                          fmt::format("The body is larger than {} bytes.", limits.max_body));
  else
    refusal_ = http_error(400, "malformed",
                          fmt::format("This is not an HTTP/1.1 request: {}.", why.message()));
}

HttpRequest HttpReader::take_request() {
  auto& from = parser_->get();
  HttpRequest to;
  to.method = std::string(from.method_string());
  to.target = std::string(from.target());
  for (const auto& field : from) to.headers.emplace_back(field.name_string(), field.value());
  to.body = std::move(from.body());
  to.keep_alive = from.keep_alive();
  return to;
}

bool HttpReader::wants_continue() {
  if (continued_ || !parser_ || !parser_->is_header_done() || message().version() < 11)
    return false;
  continued_ = true;
  return boost::beast::iequals(message()[http::field::expect], "100-continue");
}

}  // namespace parley::net
