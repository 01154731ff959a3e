#include "services/gateway/rest/call.h"

#include <charconv>

#include "parley/v1/rest.pb.h"
#include "services/gateway/to_proto.h"
#include "wire/json_writer.h"

namespace parley::gateway::rest {
namespace {
constexpr std::string_view kJson = "application/json; charset=utf-8";
}

Result<void> Call::read_body(google::protobuf::Message& out) {
  return context.json.read(request.body, out);
}

std::string_view Call::text(std::string_view name) const {
  const auto at = query.find(name);
  return at == query.end() ? std::string_view() : std::string_view(at->second);
}

Result<std::uint64_t> Call::number(std::string_view name) const {
  const auto given = text(name);
  if (given.empty()) return std::uint64_t{0};
  return number(given, name);
}

Result<std::uint64_t> Call::number(std::string_view text, std::string_view field) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::invalid_argument, std::string(field) + " is a number of at most 64 bits",
                std::string(field));
  return value;
}

net::HttpResponse json(const google::protobuf::Message& body, unsigned status) {
  return {status, std::string(kJson), wire::to_json(body)};
}

net::HttpResponse done() { return {200, std::string(kJson), "{}"}; }

net::HttpResponse error_response(const Error& error) {
  v1::ErrorAnswer answer;
  to_proto(error, *answer.mutable_error());
  auto response = json(answer, http_status(error.code));
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (const auto ms = answer.error().retry_after_ms())
    response.headers.emplace_back("Retry-After", std::to_string((ms + 999) / 1000));
  return response;
}

unsigned http_status(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::malformed:
      return 400;
    case Code::unauthenticated:
    case Code::token_expired:
    case Code::wrong_credentials:
      return 401;
    case Code::sign_up_closed:
    case Code::forbidden:
      return 403;
    case Code::not_found:
      return 404;
    case Code::unsupported:
      return 405;
    case Code::conflict:
    case Code::already_exists:
      return 409;
    case Code::gone:
      return 410;
    case Code::too_large:
      return 413;
    case Code::rate_limited:
      return 429;
    case Code::busy:
    case Code::unavailable:
    case Code::stale_generation:
      return 503;
    case Code::timed_out:
      return 504;
    case Code::storage_full:
      return 507;
    case Code::internal:
    case Code::damaged:
      return 500;
  }
  return 500;
}

}  // namespace parley::gateway::rest
