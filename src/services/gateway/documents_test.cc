// The OpenAPI document against the route table: each names what the other has.
#include "services/gateway/rest/documents.h"

#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "services/gateway/rest/call.h"

namespace parley::gateway::rest {
namespace {

google::protobuf::Struct parsed(std::string_view document) {
  google::protobuf::Struct out;
  const auto status =
      google::protobuf::util::JsonStringToMessage({document.data(), document.size()}, &out);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

/// Who may call: the schemes, one of which is enough.
std::string access(const google::protobuf::ListValue& security) {
  std::string out;
  for (const auto& one : security.values()) {
    const auto& schemes = one.struct_value().fields();
    out += (out.empty() ? "" : " or ") + (schemes.empty() ? "nothing" : schemes.begin()->first);
  }
  return out.empty() ? "anyone" : out;
}
std::string access(Route::Access who) {
  switch (who) {
    case Route::Access::anyone:
      return "anyone";
    case Route::Access::signed_in:
      return "accessToken";
    case Route::Access::by_hello:
      return "nothing or accessToken";
    case Route::Access::in_session:
      return "accessToken or resumeTicket";
  }
  return "unknown";
}

std::vector<std::string> documented() {
  std::vector<std::string> out;
  const auto document = parsed(kOpenApi);
  for (const auto& [path, methods] : document.fields().at("paths").struct_value().fields())
    for (const auto& [method, value] : methods.struct_value().fields()) {
      const auto& operation = value.struct_value().fields();
      auto upper = method;
      std::ranges::transform(upper, upper.begin(), [](char c) { return c & ~0x20; });
      out.push_back(fmt::format("{} {} is {}, for {}", upper, path,
                                operation.at("operationId").string_value(),
                                access(operation.at("security").list_value())));
    }
  return out;
}

std::vector<std::string> served() {
  std::vector<std::string> out;
  for (const auto& route : all_routes())
    out.push_back(fmt::format("{} {} is {}, for {}", route.method, route.pattern, route.operation,
                              access(route.access)));
  return out;
}

TEST(Documents, EveryRouteIsDocumentedAndEveryDocumentedOneExists) {
  ASSERT_GT(served().size(), 30U);
  EXPECT_THAT(documented(), testing::UnorderedElementsAreArray(served()))
      << "docs/api/operations.json and the route table differ; then run scripts/api_docs";
}

TEST(Documents, TheSocketIsDescribed) {
  const auto document = parsed(kAsyncApi);
  const auto& socket =
      document.fields().at("channels").struct_value().fields().at("socket").struct_value();
  EXPECT_EQ(socket.fields().at("address").string_value(), "/v1/ws");
  EXPECT_TRUE(socket.fields().at("messages").struct_value().fields().contains("client_hello"));
}

}  // namespace
}  // namespace parley::gateway::rest
