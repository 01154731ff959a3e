#pragma once
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "net/http_message.h"

namespace parley::net {

struct HttpLimits {
  std::size_t max_header;
  std::size_t max_body;
};

/// Reads one HTTP/1.x request after another out of bytes that come in any pieces.
class HttpReader {
 public:
  using Message = boost::beast::http::request<boost::beast::http::string_body>;
  enum class Kind { need_more, request, refused };

  /// Moves `at` behind what was taken. After `need_more`, the bytes from `at` on are to be given
  /// again, with more behind them. After `refused` the reader is of no further use.
  Kind next(char*& at, char* end, HttpLimits limits);

  /// After `request`: what was read. Valid until the next call.
  const Message& message() const { return parser_->get(); }
  /// The same, in the owner's terms; takes the body away.
  HttpRequest take_request();

  /// After `refused`: what to answer before closing.
  const HttpResponse& refusal() const { return refusal_; }

  /// After `need_more`: true once, if the client waits for `100 Continue` before it sends its body.
  bool wants_continue();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  void refuse(boost::system::error_code why, HttpLimits limits);

  std::optional<Parser> parser_;
  std::size_t searched_ = 0;  // bytes of the header in which its end is not
  bool continued_ = false;
  HttpResponse refusal_;
};

}  // namespace parley::net
