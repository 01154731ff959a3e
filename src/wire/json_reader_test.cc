#include "wire/json_reader.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "parley/v1/frames.pb.h"
#include "parley/v1/rest.pb.h"
#include "wire/json_writer.h"

namespace parley::wire {
namespace {
using google::protobuf::util::MessageDifferencer;

TEST(JsonReader, ReadsWhatProtobufsOwnReaderReads) {
  const std::string_view texts[] = {
      R"({})",
      R"({"id":"7","send":{"conversation_id":"d:1:2","client_message_id":"k","body":{"text":"é\n\"\u00e9"}}})",
      R"({"id":18446744073709551615,"ack":{"marks":[{"conversation_id":"d:1:2","seq":"9"},{}]}})",
      R"({"id":"1","history":{"conversation_id":"g:3","before_time":"-5","limit":20}})",
      R"({"id":"1","history":{"conversationId":"g:3","aroundTime":-5}})",
      R"({"id":null,"hello":{"token":"t","features":["a","b"],"cursor":null,"unknown":[{"x":1e5}]}})",
      R"({"presence":{"user_ids":["1",2]}})",
      R"({"ping":{}})",
  };
  JsonReader reader(1024);
  for (const auto text : texts) {
    v1::ClientFrame ours, theirs;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    ASSERT_TRUE(
        google::protobuf::util::JsonStringToMessage(std::string(text), &theirs, options).ok())
        << text;
    const auto read = reader.read(text, ours);
    ASSERT_TRUE(read) << text << ": " << read.error().message;
    EXPECT_TRUE(MessageDifferencer::Equals(ours, theirs)) << text;
  }
}

TEST(JsonReader, NamesTheFieldAtFault) {
  const std::pair<std::string_view, std::string_view> faults[] = {
      {R"({"send":{"conversation_id":5}})", "send.conversation_id"},
      {R"({"send":{"body":"text"}})", "send.body"},
      {R"({"ack":{"marks":[{"seq":"1"},{"seq":"one"}]}})", "ack.marks[1].seq"},
      {R"({"ack":{"marks":{}}})", "ack.marks"},
      {R"({"id":-1})", "id"},
      {R"({"id":"18446744073709551616"})", "id"},
      {R"({"id":1.5})", "id"},
      {R"({"id":" 1"})", "id"},
      {R"({"history":{"limit":4294967296}})", "history.limit"},
      {R"({"history":{"before":"1","after":"2"}})", "history.after"},
      {R"({"ping":{},"sync":{}})", "sync"},
  };
  JsonReader reader(1024);
  for (const auto& [text, field] : faults) {
    v1::ClientFrame frame;
    const auto read = reader.read(text, frame);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::malformed) << text;
    EXPECT_EQ(read.error().field, field) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  JsonReader reader(1024);
  for (const std::string_view text :
       {"{", "{'id':1}", "{\"id\":1,}", "{id:1}", "\"a", "[1 2]", "{\"a\":\"\\ud800\"}", "{}{}"}) {
    v1::ClientFrame frame;
    const auto read = reader.read(text, frame);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::malformed) << text;
  }
}

TEST(JsonReader, BoundsNestingAndSize) {
  JsonReader reader(64 * 1024);
  v1::ClientFrame frame;
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(reader.read(nested(20), frame));
  for (const std::size_t depth : {40, 1000, 30'000}) {
    const auto read = reader.read(nested(depth), frame);
    ASSERT_FALSE(read) << depth;
    EXPECT_EQ(read.error().code, Code::malformed);
  }
  const auto large = reader.read("{\"x\":\"" + std::string(70'000, 'x') + "\"}", frame);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
  EXPECT_TRUE(reader.read(R"({"id":"1"})", frame)) << "usable after refusing";
}

TEST(JsonReader, ReadsEnumeratorsByNameOrNumber) {
  JsonReader reader(1024);
  for (const std::string_view text : {R"({"role":"ROLE_ADMIN"})", R"({"role":2})"}) {
    v1::SetRoleRequest ours, theirs;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(text), &theirs).ok());
    ASSERT_TRUE(reader.read(text, ours)) << text;
    EXPECT_EQ(ours.role(), v1::ROLE_ADMIN) << text;
    EXPECT_TRUE(MessageDifferencer::Equals(ours, theirs)) << text;
  }
  for (const std::string_view text :
       {R"({"role":"admin"})", R"({"role":""})", R"({"role":1.5})", R"({"role":4294967296})"}) {
    v1::SetRoleRequest request;
    const auto read = reader.read(text, request);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::malformed) << text;
    EXPECT_EQ(read.error().field, "role") << text;
  }
}

TEST(JsonReader, TellsAnAbsentFieldFromAnEmptyOne) {
  JsonReader reader(1024);
  v1::UpdateProfileRequest change;
  ASSERT_TRUE(reader.read(R"({"about":""})", change));
  EXPECT_TRUE(change.has_about());
  EXPECT_FALSE(change.has_display_name());
}

TEST(JsonWriter, KeepsNamesAndWrites64BitNumbersAsStrings) {
  v1::ServerFrame frame;
  frame.set_re(5);
  frame.mutable_result()->mutable_sent()->set_message_id(18446744073709551615ULL);
  frame.mutable_result()->mutable_sent()->set_conversation_id("d:1:2");
  EXPECT_EQ(
      to_json(frame),
      R"({"re":"5","result":{"sent":{"conversation_id":"d:1:2","message_id":"18446744073709551615"}}})");
}

}  // namespace
}  // namespace parley::wire
