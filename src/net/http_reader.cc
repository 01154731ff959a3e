#include "net/http_reader.h"

#include <algorithm>
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
    searched_ = 0;
  }
  if (!parser_->is_header_done()) {
    // The parser gets a header whole: what it counts against its limit depends on the pieces.
    const std::string_view given(at, static_cast<std::size_t>(end - at));
    const auto found = given.find("\r\n\r\n", searched_);
    const auto size = found == given.npos ? given.size() + 1 : found + 4;
    if (size > limits.max_header) {
      refuse(http::error::header_limit, limits);
      return Kind::refused;
    }
    if (found == given.npos) {
      searched_ = given.size() < 3 ? 0 : given.size() - 3;
      return Kind::need_more;
    }
  }
  while (at != end && !parser_->is_done()) {
    // No end of a chunked body is shorter, and the parser asserts that nobody gives it less of one
    // (boostorg/beast pull request 2861).
    if (parser_->is_header_done() && parser_->chunked() && end - at < 5) return Kind::need_more;
    boost::system::error_code failed;
    const auto taken =
        parser_->put(boost::asio::const_buffer(at, static_cast<std::size_t>(end - at)), failed);
    at += taken;
    if (failed == http::error::need_more) {
      // Chunk extensions and trailers have no limit in the parser.
      if (static_cast<std::size_t>(end - at) <= limits.max_header) return Kind::need_more;
      failed = http::error::header_limit;
    }
    if (failed) {
      refuse(failed, limits);
      return Kind::refused;
    }
    if (taken == 0) break;
  }
  if (!parser_->is_done()) return Kind::need_more;
  if (message().version() == 11 && message().count(http::field::host) != 1) {
    refusal_ = http_error(400, Code::malformed, "An HTTP/1.1 request has exactly one Host header.");
    return Kind::refused;
  }
  return Kind::request;
}

void HttpReader::refuse(boost::system::error_code why, HttpLimits limits) {
  if (why == http::error::header_limit)
    refusal_ = http_error(431, Code::too_large,
                          fmt::format("The header is larger than {} bytes.", limits.max_header));
  else if (why == http::error::body_limit)
    refusal_ = http_error(413, Code::too_large,
                          fmt::format("The body is larger than {} bytes.", limits.max_body));
  else
    refusal_ = http_error(400, Code::malformed,
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
