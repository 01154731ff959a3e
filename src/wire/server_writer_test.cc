#include "wire/server_writer.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "wire/group_change.h"

namespace parley::wire {
namespace {
using google::protobuf::util::MessageDifferencer;

Entry entry() {
  Entry made;
  made.conversation = ConversationId::direct(UserId(7), UserId(42));
  made.seq = Seq(3);
  made.id = MessageId(0xffff'ffff'ffff'ffffULL);
  made.sender = UserId(7);
  made.device = DeviceId(1);
  made.time = TimeMs(1'750'000'000'123);
  made.client_message_id = "0190d6c6-0000-7000-8000-000000000000";
  made.body = encode_body("grüß dich");
  made.countable = 2;
  return made;
}

v1::ServerFrame only_frame(const std::string& payload) {
  v1::ServerBatch batch;
  EXPECT_TRUE(batch.ParseFromString(payload));
  EXPECT_EQ(batch.frames_size(), 1);
  EXPECT_TRUE(batch.GetReflection()->GetUnknownFields(batch).empty());
  return batch.frames_size() ? batch.frames(0) : v1::ServerFrame();
}

v1::ServerFrame from_json(const std::string& text) {
  v1::ServerFrame frame;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &frame).ok()) << text;
  return frame;
}

TEST(ServerWriter, AnEntryWrittenByHandEqualsTheGeneratedCode) {
  Entry plain = entry(), long_body = entry(), bare;
  long_body.body = encode_body(std::string(16'384, 'x'));
  bare.conversation = ConversationId::group(1);
  bare.body = encode_body("x");
  for (const Entry& one : {plain, long_body, bare}) {
    v1::ServerFrame expected;
    to_proto(one, *expected.mutable_entry());
    v1::ServerBatch batch;
    *batch.add_frames() = expected;
    const std::string payload = encode_entry(Subprotocol::pb, one);
    EXPECT_EQ(payload, batch.SerializeAsString());
    EXPECT_TRUE(MessageDifferencer::Equals(only_frame(payload), expected));
    EXPECT_TRUE(
        MessageDifferencer::Equals(from_json(encode_entry(Subprotocol::json, one)), expected));
  }
}

TEST(ServerWriter, AGroupChangeIsAnEntryWithoutABody) {
  Entry made = entry();
  made.conversation = ConversationId::group(913);
  made.client_message_id.clear();
  made.body.clear();
  made.kind = EntryKind::group_change;
  std::vector<UserId> everyone;
  for (std::uint64_t i = 0; i < 256; ++i) everyone.emplace_back(~0ULL - i);
  using What = GroupChange::What;
  for (const GroupChange& change : {GroupChange{What::created, 1, "Sailing", everyone},
                                    GroupChange{What::role, 2, "", {UserId(7)}, Role::admin},
                                    GroupChange{What::dissolved, 3, "", {}}}) {
    made.change = std::make_shared<const GroupChange>(change);
    v1::ServerFrame expected;
    to_proto(made, *expected.mutable_entry());
    EXPECT_FALSE(expected.entry().has_body());
    EXPECT_EQ(expected.entry().countable(), 2);
    v1::ServerBatch batch;
    *batch.add_frames() = expected;
    const auto payload = encode_entry(Subprotocol::pb, made);
    EXPECT_EQ(payload, batch.SerializeAsString()) << "by hand as the generated code does";
    const auto json = encode_entry(Subprotocol::json, made);
    EXPECT_TRUE(MessageDifferencer::Equals(from_json(json), expected));
    EXPECT_EQ(change.what == What::role, json.contains(R"("role":"ROLE_ADMIN")")) << json;
    for (const auto& back : {only_frame(payload), from_json(json)})
      EXPECT_EQ(from_proto(back.entry().group_change()), change);
  }
}

TEST(ServerWriter, ASentResultWrittenByHandEqualsTheGeneratedCode) {
  const Head head{Seq(300), MessageId(1ULL << 60), TimeMs(1'750'000'000'123), 5};
  for (const std::uint64_t re : {0ULL, 1ULL, ~0ULL}) {
    v1::ServerFrame expected;
    expected.set_re(re);
    auto& sent = *expected.mutable_result()->mutable_sent();
    sent.set_conversation_id("d:7:42");
    sent.set_seq(300);
    sent.set_message_id(1ULL << 60);
    sent.set_time_ms(1'750'000'000'123);
    const auto where = ConversationId::direct(UserId(7), UserId(42));
    EXPECT_EQ(encode_sent(Subprotocol::pb, re, where, head), encode(Subprotocol::pb, expected));
    EXPECT_TRUE(MessageDifferencer::Equals(
        from_json(encode_sent(Subprotocol::json, re, where, head)), expected));
  }
}

TEST(ServerWriter, AppendedFramesAreOneBatch) {
  std::string payload;
  v1::ServerFrame pong;
  pong.set_re(1);
  pong.mutable_pong();
  append_frame(payload, pong);
  append_sent(payload, 2, ConversationId::group(5), Head{Seq(1), MessageId(2), TimeMs(3), 1});
  v1::ServerBatch batch;
  ASSERT_TRUE(batch.ParseFromString(payload));
  ASSERT_EQ(batch.frames_size(), 2);
  EXPECT_TRUE(batch.frames(0).has_pong());
  EXPECT_EQ(batch.frames(1).result().sent().conversation_id(), "g:5");
}

TEST(ServerWriter, ABodyHasOneForm) {
  for (const std::string& text : {std::string("x"), std::string(200, 'y')}) {
    v1::Body body;
    body.set_text(text);
    EXPECT_EQ(encode_body(text), body.SerializeAsString());
  }
}

}  // namespace
}  // namespace parley::wire
