#include "net/http_message.h"

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>
#include <strings.h>

#include "net/edge.h"
#include "net/http_encode.h"

namespace parley::net {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out += '"';
}

/// A value must not begin a new header line.
void append_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  head += "\r\n";
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_name(key, name)) return value;
  return {};
}

HttpResponse http_error(unsigned status, Code code, std::string_view message,
                        std::chrono::seconds retry_after) {
  const auto& row = describe(code);
  HttpResponse response{.status = status, .content_type = "application/json"};
  response.body =
      fmt::format(R"({{"error":{{"code":"{}","message":{})", row.name, json_text(message));
  if (row.retryable) {
    response.body += fmt::format(R"(,"retryable":true,"retry_after_ms":{})",
                                 std::chrono::milliseconds(retry_after).count());
    response.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
  }
  response.body += "}}";
  return response;
}

SharedBytes encode_response(const HttpResponse& response, bool keep_alive, bool head_only,
                            std::string_view date) {
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  std::string head;
  head.reserve(256);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 std::string_view(boost::beast::http::obsolete_reason(
                     boost::beast::http::int_to_status(response.status))),
                 date);
  if (!response.content_type.empty()) append_header(head, "Content-Type", response.content_type);
  if (!bodiless)
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", response.body.size());
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  head += "X-Content-Type-Options: nosniff\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return SharedBytes(head, bodiless || head_only ? std::string_view() : response.body);
}

SharedBytes encode_stream_head(std::string_view date) {
  return SharedBytes(fmt::format(
      "HTTP/1.1 200 OK\r\nDate: {}\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
      "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
      date));
}

SharedBytes encode_event(std::string_view payload) {
  std::string event = "data: ";
  event.reserve(event.size() + payload.size() + 2);
  event += payload;
  event += "\n\n";
  return SharedBytes(event);
}

SharedBytes encode_last_event(CloseCode code, std::string_view reason) {
  return SharedBytes(fmt::format("event: close\ndata: {{\"code\":{},\"reason\":{}}}\n\n",
                                 static_cast<unsigned>(code), json_text(reason)));
}

std::string http_date(TimeMs now) {
  const std::time_t seconds = now.value / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace parley::net
