#include "services/gateway/rest/router.h"

#include <boost/asio.hpp>
#include <fmt/format.h>

#include "services/gateway/rest/url.h"

namespace parley::gateway::rest {
namespace {

/// Segments against `/v1/users/{id}`; what the braces stood for goes to `parts`.
bool matches(std::string_view pattern, const std::vector<std::string>& path,
             std::vector<std::string>& parts) {
  parts.clear();
  pattern.remove_prefix(1);
  std::size_t i = 0;
  for (; !pattern.empty(); ++i) {
    const auto end = std::min(pattern.find('/'), pattern.size());
    const auto segment = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    if (i >= path.size()) return false;
    if (segment.starts_with('{'))
      parts.push_back(path[i]);
    else if (segment != path[i])
      return false;
  }
  return i == path.size();
}

/// An IPv4 address; of an IPv6 one its /64, the least that one subscriber is given.
std::uint64_t address_key(const std::string& numeric) {
  boost::system::error_code unknown;
  const auto address = boost::asio::ip::make_address(numeric, unknown);
  if (unknown) return 0;
  if (address.is_v4()) return address.to_v4().to_uint();
  std::uint64_t prefix = 0;
  for (int i = 0; i < 8; ++i) prefix = prefix << 8 | address.to_v6().to_bytes()[std::size_t(i)];
  return prefix;
}

Result<void> rated(RateTable& table, std::uint64_t key, Clock::Mono now) {
  if (const auto wait = table.take(key, now); wait != 0)
    return fail_for(Code::rate_limited, fmt::format("too many requests: wait {} ms", wait), wait);
  return {};
}

/// RFC 6750 section 2.1; the scheme's case does not matter.
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((authorization[i] | 0x20) != (scheme[i] | 0x20)) return {};
  return authorization.substr(scheme.size());
}

}  // namespace

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (const auto& group : {account_routes(), profile_routes(), message_routes(), group_routes(),
                            stream_routes(), connect_routes(), public_routes()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

Router::Router(Shared& shared, Inflight& inflight, Streams& streams, boost::asio::io_context& io)
    : context_{shared, inflight, streams, io, wire::JsonReader(shared.settings.edge.max_http_body)},
      routes_(all_routes()),
      strangers_(RateLimit(shared.settings.unauthenticated_per_second)),
      requests_(RateLimit(shared.settings.limits.requests_per_second)),
      sends_(RateLimit(shared.settings.limits.sends_per_second)) {}

void Router::forget_idle() {
  const auto now = context_.shared.clock.mono();
  for (auto* table : {&strangers_, &requests_, &sends_}) table->forget_full(now);
}

Router::Found Router::find(std::string_view method, const std::vector<std::string>& path) const {
  Found found;
  std::vector<std::string> parts;
  for (const auto& route : routes_) {
    if (!matches(route.pattern, path, parts)) continue;
    if (route.method == method) return {&route, std::move(parts), {}};
    found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  return found;
}

Result<Principal> Router::identify(Route::Access access, Call& call) {
  const auto& shared = context_.shared;
  const auto token = bearer(call.request.header("Authorization"));
  if (access == Route::Access::by_hello) {
    if (call.request.body.size() > shared.settings.limits.frame_bytes)
      return fail(Code::too_large, "a message has at most `frame_bytes` bytes");
    PARLEY_TRY_VOID(call.read_body(call.hello));
    if (!call.hello.has_hello())
      return fail(Code::invalid_argument, "the body is a frame with hello", "hello");
    auto& hello = *call.hello.mutable_hello();
    if (hello.token().empty()) hello.set_token(std::string(token));
    return context_.streams.authenticate(hello);
  }
  if (token.empty()) return fail(Code::unauthenticated, "give `Authorization: Bearer TOKEN`");
  auto who = shared.services.auth.check(token);
  if (!who && access == Route::Access::in_session)
    if (auto by_ticket = shared.check_ticket(token)) return by_ticket;
  return who;
}

Result<void> Router::admit(const Route& route, Call& call) {
  auto& shared = context_.shared;
  if (shared.draining) return fail(Code::unavailable, "this server stops");
  const auto now = shared.clock.mono();
  const auto address = address_key(call.request.remote_address);
  if (route.access == Route::Access::anyone) return rated(strangers_, address, now);

  auto who = identify(route.access, call);
  if (!who) {
    PARLEY_TRY_VOID(rated(strangers_, address, now));
    return std::unexpected(std::move(who).error());
  }
  call.who = *who;
  const bool is_send = route.operation == "sendMsg" || route.operation == "sendFrames";
  return rated(is_send ? sends_ : requests_, who->device.value, now);
}

Awaitable<net::HttpResponse> Router::answer(net::ConnectionId connection,
                                            net::HttpRequest request) {
  const auto refuse = [this](const Error& error) {
    context_.shared.metrics.errors.add();
    return error_response(error);
  };
  auto target = parse_target(request.target);
  if (!target) co_return refuse({Code::malformed, "the request target is malformed"});
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  auto found = find(method, target->path);
  if (!found.route && found.allowed.empty())
    co_return refuse({Code::not_found, "there is nothing at this path"});
  if (!found.route) {
    auto response = refuse({Code::unsupported, "this path takes: " + found.allowed});
    response.headers.emplace_back("Allow", found.allowed);
    co_return response;
  }
  Call call{context_, connection, std::move(request), std::move(target->query),
            std::move(found.parts)};
  if (auto admitted = admit(*found.route, call); !admitted) co_return refuse(admitted.error());
  auto answer = co_await found.route->handler(call);
  if (!answer) co_return refuse(answer.error());
  co_return std::move(*answer);
}

}  // namespace parley::gateway::rest
