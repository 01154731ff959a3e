#include "wire/server_writer.h"

#include <google/protobuf/io/coded_stream.h>

#include "base/check.h"
#include "wire/group_change.h"
#include "wire/json_writer.h"

// Protocol Buffers by hand (https://protobuf.dev/programming-guides/encoding/), for the frames that
// every message costs. A field with its default value is left out, as the generated code does.
namespace parley::wire {
namespace {
using google::protobuf::io::CodedOutputStream;

constexpr int kVarint = 0;
constexpr int kLengthDelimited = 2;

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
void append_number(std::string& out, int field, std::uint64_t value) {
  if (value == 0) return;
  append_varint(out, static_cast<std::uint64_t>(field << 3 | kVarint));
  append_varint(out, value);
}
void append_header(std::string& out, int field, std::size_t size) {
  append_varint(out, static_cast<std::uint64_t>(field << 3 | kLengthDelimited));
  append_varint(out, size);
}
void append_bytes(std::string& out, int field, std::string_view bytes) {
  append_header(out, field, bytes.size());
  out.append(bytes);
}
void append_text(std::string& out, int field, std::string_view text) {
  if (!text.empty()) append_bytes(out, field, text);
}

std::string sent_bytes(const ConversationId& where, const Head& sent) {
  std::string out;
  append_text(out, v1::Sent::kConversationIdFieldNumber, where.text());
  append_number(out, v1::Sent::kSeqFieldNumber, sent.seq.value);
  append_number(out, v1::Sent::kMessageIdFieldNumber, sent.id.value);
  append_number(out, v1::Sent::kTimeMsFieldNumber, static_cast<std::uint64_t>(sent.time.value));
  return out;
}

}  // namespace

std::string encode(Subprotocol subprotocol, const v1::ServerFrame& frame) {
  if (subprotocol == Subprotocol::json) return to_json(frame);
  std::string out;
  append_frame(out, frame);
  return out;
}

void append_frame(std::string& batch, const v1::ServerFrame& frame) {
  append_header(batch, v1::ServerBatch::kFramesFieldNumber, frame.ByteSizeLong());
  PARLEY_CHECK(frame.AppendToString(&batch), "a server frame is above 2 GiB");
}

void append_entry(std::string& out, const Entry& entry) {
  append_text(out, v1::Entry::kConversationIdFieldNumber, entry.conversation.text());
  append_number(out, v1::Entry::kSeqFieldNumber, entry.seq.value);
  append_number(out, v1::Entry::kMessageIdFieldNumber, entry.id.value);
  append_number(out, v1::Entry::kSenderFieldNumber, entry.sender.value);
  append_number(out, v1::Entry::kTimeMsFieldNumber, static_cast<std::uint64_t>(entry.time.value));
  append_text(out, v1::Entry::kClientMessageIdFieldNumber, entry.client_message_id);
  if (!entry.change) append_bytes(out, v1::Entry::kBodyFieldNumber, entry.body);
  append_number(out, v1::Entry::kCountableFieldNumber, entry.countable);
  if (entry.change) {  // rare: the generated code will do
    v1::GroupChange change;
    to_proto(*entry.change, change);
    append_bytes(out, v1::Entry::kGroupChangeFieldNumber, change.SerializeAsString());
  }
}

void to_proto(const Entry& entry, v1::Entry& out) {
  out.set_conversation_id(entry.conversation.text());
  out.set_seq(entry.seq.value);
  out.set_message_id(entry.id.value);
  out.set_sender(entry.sender.value);
  out.set_time_ms(entry.time.value);
  out.set_client_message_id(entry.client_message_id);
  out.set_countable(entry.countable);
  if (entry.change) return to_proto(*entry.change, *out.mutable_group_change());
  PARLEY_CHECK(out.mutable_body()->ParseFromString(entry.body), "a stored body does not parse");
}

std::string encode_entry(Subprotocol subprotocol, const Entry& entry) {
  if (subprotocol == Subprotocol::json) {
    v1::ServerFrame frame;
    to_proto(entry, *frame.mutable_entry());
    return to_json(frame);
  }
  std::string inner;
  inner.reserve(entry.body.size() + entry.client_message_id.size() + 96);
  append_entry(inner, entry);
  std::string out;
  out.reserve(inner.size() + 12);
  const auto frame_size =
      1 + CodedOutputStream::VarintSize64(inner.size()) + inner.size();  // tag, length, entry
  append_header(out, v1::ServerBatch::kFramesFieldNumber, frame_size);
  append_bytes(out, v1::ServerFrame::kEntryFieldNumber, inner);
  return out;
}

void append_sent(std::string& batch, std::uint64_t re, const ConversationId& where,
                 const Head& sent) {
  std::string result;
  append_bytes(result, v1::Result::kSentFieldNumber, sent_bytes(where, sent));
  std::string frame;
  append_number(frame, v1::ServerFrame::kReFieldNumber, re);
  append_bytes(frame, v1::ServerFrame::kResultFieldNumber, result);
  append_bytes(batch, v1::ServerBatch::kFramesFieldNumber, frame);
}

std::string encode_sent(Subprotocol subprotocol, std::uint64_t re, const ConversationId& where,
                        const Head& sent) {
  std::string out;
  if (subprotocol == Subprotocol::pb) {
    append_sent(out, re, where, sent);
    return out;
  }
  v1::ServerFrame frame;
  frame.set_re(re);
  auto& answer = *frame.mutable_result()->mutable_sent();
  answer.set_conversation_id(where.text());
  answer.set_seq(sent.seq.value);
  answer.set_message_id(sent.id.value);
  answer.set_time_ms(sent.time.value);
  return to_json(frame);
}

std::string encode_body(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 4);
  append_text(out, v1::Body::kTextFieldNumber, text);
  return out;
}

}  // namespace parley::wire
