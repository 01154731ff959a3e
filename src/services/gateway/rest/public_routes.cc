#include <algorithm>
#include <boost/asio.hpp>
#include <fmt/format.h>

#include "services/gateway/rest/call.h"
#include "services/gateway/rest/documents.h"
#include "services/gateway/rest/page.h"

// What anyone may see: the codes, the descriptions, the page.
namespace parley::gateway::rest {
namespace {

constexpr bool plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '"' || c == '\\' || c < ' '; });
}
constexpr bool all_plain(std::span<const CodeRow> rows) {
  return std::ranges::all_of(
      rows, [](const CodeRow& row) { return plain(row.name) && plain(row.meaning); });
}
static_assert(all_plain(kErrorRows) && all_plain(kCloseRows), "codes go into JSON as they are");

std::string rows_json(std::span<const CodeRow> rows, std::string_view flag) {
  std::string out;
  for (const auto& row : rows)
    out +=
        fmt::format(R"({}{{"number":{},"name":"{}","{}":{},"meaning":"{}"}})",
                    out.empty() ? "" : ",", row.number, row.name, flag, row.retryable, row.meaning);
  return "[" + out + "]";
}

Awaitable<Answer> get_codes(Call&) {
  static const std::string body =
      fmt::format(R"({{"errors":{},"closes":{}}})", rows_json(kErrorRows, "retryable"),
                  rows_json(kCloseRows, "comes_back"));
  co_return net::HttpResponse{200, "application/json; charset=utf-8", body};
}

net::HttpResponse document(std::string_view text) {
  return {200, "application/json; charset=utf-8", std::string(text)};
}
Awaitable<Answer> get_openapi(Call&) { co_return document(kOpenApi); }
Awaitable<Answer> get_asyncapi(Call&) { co_return document(kAsyncApi); }

Awaitable<Answer> get_page(Call&) {
  co_return net::HttpResponse{200,
                              "text/html; charset=utf-8",
                              home_page(),
                              {{"Content-Security-Policy", home_page_policy()}}};
}

}  // namespace

std::vector<Route> public_routes() {
  using enum Route::Access;
  return {
      {"GET", "/v1/codes", "getCodes", anyone, get_codes},
      {"GET", "/v1/openapi.json", "getOpenApi", anyone, get_openapi},
      {"GET", "/v1/asyncapi.json", "getAsyncApi", anyone, get_asyncapi},
      {"GET", "/", "getPage", anyone, get_page},
  };
}

}  // namespace parley::gateway::rest
