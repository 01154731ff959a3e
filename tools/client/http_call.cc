#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "client/api.h"
#include "client/json.h"
#include "client/stream.h"

namespace parley::client {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);

std::unexpected<Failure> no_answer(const Endpoint& server, const error_code& ec) {
  if (ec == beast::error::timeout)
    return unreachable(
        fmt::format("the server at {} does not answer: try again later", server.text()));
  if (ec == asio::error::connection_refused)
    return unreachable(fmt::format(
        "no server at {}: start parleyd there, or give --server host:port", server.text()));
  return unreachable(fmt::format("cannot reach the server at {}: {}", server.text(), ec.message()));
}

}  // namespace

Failure to_failure(const Endpoint& server, unsigned status, const std::string& body) {
  v1::ErrorAnswer answer;
  if (from_json(body, answer) && !answer.error().code().empty()) {
    const auto& error = answer.error();
    return {.code = error.code(),
            .message = error.message(),
            .field = error.field(),
            .retryable = error.retryable(),
            .retry_after_ms = error.retry_after_ms()};
  }
  return {
      .code = {},
      .message = fmt::format("{} answered HTTP {}: is it a Parley server?", server.text(), status),
      .retryable = asks_for_later(status)};
}

std::string url_escape(std::string_view text) {
  std::string escaped;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      escaped += static_cast<char>(c);
    else
      escaped += fmt::format("%{:02X}", c);
  }
  return escaped;
}

Awaitable<Outcome<void>> http_call(Endpoint server, HttpCall call,
                                   google::protobuf::Message* answer) {
  const auto executor = co_await asio::this_coro::executor;
  Stream stream(executor);
  if (const auto trouble = co_await stream.connect(server, kPatience)) {
    if (trouble.ec) co_return no_answer(server, trouble.ec);
    co_return failed(trouble.distrust);
  }

  http::request<http::string_body> request(http::string_to_verb(call.method), call.target, 11);
  request.set(http::field::host, server.authority());
  request.set(http::field::connection, "close");
  if (!call.access_token.empty())
    request.set(http::field::authorization, "Bearer " + call.access_token);
  if (call.body) {
    request.set(http::field::content_type, "application/json");
    request.body() = to_json(*call.body);
  } else if (!call.json.empty()) {
    request.set(http::field::content_type, "application/json");
    request.body() = std::move(call.json);
  }
  request.prepare_payload();
  if (auto [ec, n] = co_await http::async_write(stream, request, kUse); ec)
    co_return no_answer(server, ec);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(16 * 1024 * 1024);
  if (auto [ec, n] = co_await http::async_read(stream, buffer, parser, kUse); ec)
    co_return no_answer(server, ec);
  const auto& response = parser.get();
  if (http::to_status_class(response.result()) != http::status_class::successful)
    co_return std::unexpected(to_failure(server, response.result_int(), response.body()));
  if (answer && !response.body().empty() && !from_json(response.body(), *answer))
    co_return failed(fmt::format(
        "{} answered something else than Parley's JSON: is it a Parley server?", server.text()));
  co_return Outcome<void>{};
}

}  // namespace parley::client
