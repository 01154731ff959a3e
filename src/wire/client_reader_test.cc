#include "wire/client_reader.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

class ClientReaderTest : public testing::Test {
 protected:
  ClientReader reader_{4, 64 * 1024};

  static std::string batch(std::initializer_list<std::string> frames) {
    std::string out;
    for (const auto& frame : frames) {
      out += "\x0a";
      out += static_cast<char>(frame.size());
      out += frame;
    }
    return out;
  }
  static std::string send(std::uint64_t id, const std::string& text) {
    v1::ClientFrame frame;
    frame.set_id(id);
    frame.mutable_send()->set_conversation_id("d:1:2");
    frame.mutable_send()->mutable_body()->set_text(text);
    return frame.SerializeAsString();
  }
};

TEST_F(ClientReaderTest, ReadsABatchInItsOrderOnBothSubprotocols) {
  for (const auto& [subprotocol, payload] :
       {std::pair{Subprotocol::pb, batch({send(1, "one"), send(2, "two")})},
        std::pair{Subprotocol::json, std::string(R"([{"id":"1","send":{"body":{"text":"one"}}},)"
                                                 R"({"id":2,"send":{"body":{"text":"two"}}}])")}}) {
    const auto items = reader_.read(subprotocol, payload);
    ASSERT_TRUE(items);
    ASSERT_EQ(items->size(), 2);
    EXPECT_EQ((*items)[0].id, 1);
    EXPECT_EQ((*items)[0].frame->send().body().text(), "one");
    EXPECT_EQ((*items)[1].id, 2);
    EXPECT_EQ((*items)[1].frame->send().body().text(), "two");
  }
}

TEST_F(ClientReaderTest, AnUnknownOperationIsAFrameWithoutOne) {
  const auto pb = reader_.read(Subprotocol::pb, batch({"\x08\x09\xfa\x01\x01x"}));
  ASSERT_TRUE(pb);
  EXPECT_EQ((*pb)[0].id, 9);
  EXPECT_EQ((*pb)[0].frame->op_case(), v1::ClientFrame::OP_NOT_SET);
  const auto json = reader_.read(Subprotocol::json, R"({"id":"9","fly":{}})");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)[0].id, 9);
  EXPECT_EQ((*json)[0].frame->op_case(), v1::ClientFrame::OP_NOT_SET);
}

TEST_F(ClientReaderTest, AFrameAtFaultKeepsItsIdAndSparesItsNeighbours) {
  const auto pb = reader_.read(Subprotocol::pb, batch({send(1, "\xff"), send(2, "two")}));
  ASSERT_TRUE(pb);
  ASSERT_EQ(pb->size(), 2);
  EXPECT_EQ((*pb)[0].frame, nullptr);
  EXPECT_EQ((*pb)[0].id, 1);
  EXPECT_EQ((*pb)[0].error.code, Code::malformed);
  EXPECT_NE((*pb)[1].frame, nullptr);

  const auto json = reader_.read(Subprotocol::json,
                                 R"([{"send":{"body":{"text":1}},"id":"1"},{"id":"2","ping":{}}])");
  ASSERT_TRUE(json);
  ASSERT_EQ(json->size(), 2);
  EXPECT_EQ((*json)[0].frame, nullptr);
  EXPECT_EQ((*json)[0].id, 1) << "an id after the fault is found too";
  EXPECT_EQ((*json)[0].error.field, "body.text");
  EXPECT_NE((*json)[1].frame, nullptr);
}

TEST_F(ClientReaderTest, WhatIsNoFrameIsMalformedAsAWhole) {
  using namespace std::string_literals;
  for (const auto& payload : {"\x0a"s, "\x0a\x05x"s, "\x0a\xff\xff\xff\xff\x0fx"s, "\xff\xff"s,
                              "\x0a\x02\x08\xff"s, "\x0c"s, "garbage"s, "\x00"s}) {
    const auto items = reader_.read(Subprotocol::pb, payload);
    ASSERT_FALSE(items) << testing::PrintToString(payload);
    EXPECT_EQ(items.error().code, Code::malformed);
    EXPECT_NE(items.error().message.find("at byte"), std::string::npos);
  }
  for (const auto& payload : {""s, "7"s, "\"x\""s, "[1]"s, "[{},[]]"s, "{"s, "null"s}) {
    const auto items = reader_.read(Subprotocol::json, payload);
    ASSERT_FALSE(items) << payload;
    EXPECT_EQ(items.error().code, Code::malformed);
  }
}

TEST_F(ClientReaderTest, RefusesMoreFramesThanTheLimit) {
  const std::string ping = "\x5a" + std::string(1, '\0');
  EXPECT_TRUE(reader_.read(Subprotocol::pb, batch({ping, ping, ping, ping})));
  EXPECT_TRUE(reader_.read(Subprotocol::json, "[{},{},{},{}]"));
  EXPECT_EQ(reader_.read(Subprotocol::pb, batch({ping, ping, ping, ping, ping})).error().code,
            Code::too_large);
  EXPECT_EQ(reader_.read(Subprotocol::json, "[{},{},{},{},{}]").error().code, Code::too_large);
}

TEST_F(ClientReaderTest, AnEmptyBatchHoldsNothing) {
  EXPECT_TRUE(reader_.read(Subprotocol::pb, "")->empty());
  EXPECT_TRUE(reader_.read(Subprotocol::json, "[]")->empty());
}

}  // namespace
}  // namespace parley::wire
