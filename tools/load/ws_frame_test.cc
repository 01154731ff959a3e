#include "ws_frame.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace parley::load {
namespace {

std::string server_frame(unsigned first, std::string_view payload) {
  std::string frame;
  append_client_header(frame, Opcode::binary, payload.size());
  frame.resize(frame.size() - 4);  // the mask
  frame[0] = static_cast<char>(first);
  frame[1] = static_cast<char>(frame[1] & 0x7f);
  return frame.append(payload);
}

TEST(WsFrame, ParsesEveryLengthAndAsksForTheRest) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 100'000U}) {
    const std::string frame = server_frame(0x82, std::string(size, 'x'));
    const std::string input = frame + "next";
    const auto parsed = parse_server_frame(input);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->final);
    EXPECT_EQ(parsed->opcode, Opcode::binary);
    EXPECT_EQ(parsed->payload, std::string(size, 'x'));
    EXPECT_EQ(parsed->total, frame.size());
    for (const std::size_t part : {std::size_t{0}, std::size_t{1}, frame.size() - 1})
      EXPECT_FALSE(parse_server_frame(std::string_view(frame).substr(0, part)));
  }
}

TEST(WsFrame, KnowsFragmentsAndControlFrames) {
  EXPECT_FALSE(parse_server_frame(server_frame(0x02, "half"))->final);
  EXPECT_EQ(parse_server_frame(server_frame(0x80, "rest"))->opcode, Opcode::continuation);
  EXPECT_EQ(parse_server_frame(server_frame(0x89, ""))->opcode, Opcode::ping);
}

TEST(WsFrame, RefusesWhatAServerMustNotSend) {
  std::string masked = server_frame(0x82, "abcd");
  masked[1] = static_cast<char>(masked[1] | 0x80);
  EXPECT_THROW(parse_server_frame(masked), std::runtime_error);
  EXPECT_THROW(parse_server_frame(server_frame(0xc2, "")), std::runtime_error);
  EXPECT_THROW(parse_server_frame(std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10)),
               std::runtime_error);
}

TEST(WsUpgrade, AcceptsTheAnswerOfTheRfcAndNoOther) {
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "sec-websocket-ACCEPT: s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"
      "Sec-WebSocket-Protocol: parley.v1.pb\r\n\r\n";
  EXPECT_TRUE(upgrade_accepted(head, "parley.v1.pb"));
  EXPECT_FALSE(upgrade_accepted(head, "parley.v1.json"));
  EXPECT_FALSE(upgrade_accepted("HTTP/1.1 404 Not Found\r\n\r\n", "parley.v1.pb"));
  EXPECT_NE(upgrade_request("h:1", "/v1/ws", "parley.v1.pb").find("GET /v1/ws HTTP/1.1\r\n"),
            std::string::npos);
}

}  // namespace
}  // namespace parley::load
