#include "net/handshake.h"

#include <gtest/gtest.h>

#include "net/edge.h"
#include "net/testing/client.h"

namespace parley::net {
namespace {

using testing::upgrade_request;

const EdgeConfig kConfig{.websocket_path = "/v1/ws",
                         .subprotocols = {"parley.v1.pb", "parley.v1.json"}};

std::variant<Upgrade, HttpResponse> answer(std::string request,
                                           const EdgeConfig& config = kConfig) {
  HttpReader reader;
  char* at = request.data();
  EXPECT_EQ(reader.next(at, at + request.size(), {16384, 1024}), HttpReader::Kind::request);
  EXPECT_TRUE(asks_for_websocket(reader.message()));
  return negotiate(reader.message(), config);
}

std::string replaced(std::string_view from, std::string_view to) {
  auto request = upgrade_request("parley.v1.json");
  return request.replace(request.find(from), from.size(), to);
}

unsigned status(std::string request) {
  const auto result = answer(std::move(request));
  const auto* refusal = std::get_if<HttpResponse>(&result);
  return refusal ? refusal->status : 101;
}

TEST(AcceptKey, IsThatOfTheRfc) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Negotiate, AnswersAnUpgrade) {
  const auto result = answer(upgrade_request("chat, parley.v1.json"));
  const auto* upgrade = std::get_if<Upgrade>(&result);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->subprotocol, 1U);
  EXPECT_EQ(upgrade->response.view(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: parley.v1.json\r\n\r\n");
}

TEST(Negotiate, PrefersInTheServersOrder) {
  auto result = answer(upgrade_request("parley.v1.json, parley.v1.pb"));
  EXPECT_EQ(std::get<Upgrade>(result).subprotocol, 0U);
  result = answer(replaced("\r\n\r\n", "\r\nSec-WebSocket-Protocol: parley.v1.pb\r\n\r\n"));
  EXPECT_EQ(std::get<Upgrade>(result).subprotocol, 0U) << "offered in a second header";
}

TEST(Negotiate, SaysWhatIsOffered) {
  const auto result = answer(upgrade_request("chat"));
  const auto* refusal = std::get_if<HttpResponse>(&result);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 400U);
  EXPECT_NE(refusal->body.find("parley.v1.pb, parley.v1.json"), std::string::npos);
  EXPECT_EQ(status(upgrade_request()), 400U);

  auto lenient = kConfig;
  lenient.allow_no_subprotocol = true;
  const auto agreed = answer(upgrade_request(), lenient);
  EXPECT_EQ(std::get<Upgrade>(agreed).subprotocol, kNoSubprotocol);
}

TEST(Negotiate, RefusesWhatIsNotAnUpgradeByTheRfc) {
  EXPECT_EQ(status(replaced("/v1/ws", "/v1/ws?x=1")), 101U);
  EXPECT_EQ(status(replaced("/v1/ws", "/v1/wss")), 404U);
  EXPECT_EQ(status(replaced("GET", "POST")), 400U);
  EXPECT_EQ(status(replaced("HTTP/1.1", "HTTP/1.0")), 400U);
  EXPECT_EQ(status(replaced("keep-alive, Upgrade", "keep-alive")), 400U);
  EXPECT_EQ(status(replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ")), 400U);
  EXPECT_EQ(status(replaced("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ!==")), 400U);

  const auto result = answer(replaced("Version: 13", "Version: 8"));
  const auto& refusal = std::get<HttpResponse>(result);
  EXPECT_EQ(refusal.status, 426U);
  EXPECT_EQ(refusal.headers,
            (HttpHeaders{{"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}}));
}

}  // namespace
}  // namespace parley::net
