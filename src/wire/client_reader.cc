#include "wire/client_reader.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>
#include <optional>
#include <simdjson.h>

namespace parley::wire {
namespace {
namespace pb = google::protobuf;
using pb::internal::WireFormatLite;

constexpr std::size_t kBlock = 16 * 1024;
constexpr std::uint32_t kFramesTag = (v1::ClientBatch::kFramesFieldNumber << 3) | 2;
constexpr std::uint32_t kIdTag = v1::ClientFrame::kIdFieldNumber << 3;

pb::ArenaOptions over(std::vector<char>& block) {
  pb::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  return options;
}

std::unexpected<Error> not_frames(std::string what, int position) {
  return fail(Code::malformed, std::move(what) + " at byte " + std::to_string(position));
}

pb::io::CodedInputStream stream_over(std::string_view bytes) {
  return pb::io::CodedInputStream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  static_cast<int>(bytes.size()));
}

/// The id of a frame that did not parse; none if its outermost fields are damaged too.
std::optional<std::uint64_t> id_of(std::string_view frame) {
  auto in = stream_over(frame);
  std::uint64_t id = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag == kIdTag ? !in.ReadVarint64(&id) : !WireFormatLite::SkipField(&in, tag))
      return std::nullopt;
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return id;
}

}  // namespace

ClientReader::ClientReader(std::size_t max_frames, std::size_t max_bytes)
    : max_frames_(max_frames), block_(kBlock), arena_(over(block_)), json_(max_bytes) {
  // The library writes a line to standard error for every text that is not UTF-8: a client must not
  // be able to fill the log.
  pb::SetLogHandler(nullptr);
}

v1::ClientFrame* ClientReader::make_frame() {
  return pb::Arena::CreateMessage<v1::ClientFrame>(&arena_);
}

Result<std::span<const ClientItem>> ClientReader::read(Subprotocol subprotocol,
                                                       std::string_view payload) {
  items_.clear();
  arena_.Reset();
  PARLEY_TRY_VOID(subprotocol == Subprotocol::pb ? read_pb(payload) : read_json_text(payload));
  return std::span<const ClientItem>(items_);
}

Result<void> ClientReader::read_pb(std::string_view payload) {
  auto in = stream_over(payload);
  while (const std::uint32_t tag = in.ReadTag()) {
    const int start = in.CurrentPosition();
    std::uint32_t size = 0;
    if (tag != kFramesTag) {
      if (!WireFormatLite::SkipField(&in, tag)) return not_frames("not a ClientBatch", start);
      continue;
    }
    if (!in.ReadVarint32(&size) ||
        size > payload.size() - static_cast<std::size_t>(in.CurrentPosition()))
      return not_frames("a frame's length goes beyond the message", start);
    if (items_.size() == max_frames_)
      return fail(Code::too_large,
                  "a message may hold " + std::to_string(max_frames_) + " frames at most");
    const auto bytes = payload.substr(static_cast<std::size_t>(in.CurrentPosition()), size);
    in.Skip(static_cast<int>(size));

    auto* frame = make_frame();
    if (frame->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      items_.push_back({frame, frame->id()});
    } else if (const auto id = id_of(bytes)) {
      const auto why = "the frame at byte " + std::to_string(start) + " does not fit frames.proto";
      items_.push_back({nullptr, *id, {Code::malformed, why}});
    } else {
      return not_frames("not a ClientFrame", start);
    }
  }
  if (!in.ConsumedEntireMessage()) return not_frames("not a ClientBatch", in.CurrentPosition());
  return {};
}

Result<void> ClientReader::read_json_text(std::string_view payload) {
  using simdjson::dom::element;
  PARLEY_TRY(root, json_.parse(payload));
  const auto add = [this](const element& value) {
    auto* frame = make_frame();
    auto read = read_json(value, *frame);
    if (read) {
      items_.push_back({frame, frame->id()});
      return;
    }
    element id;
    const bool has_id = value["id"].get(id) == simdjson::SUCCESS;
    auto& error = read.error();
    error.field.erase(0, error.field.find('.') + 1);
    items_.push_back({nullptr, has_id ? read_uint64(id).value_or(0) : 0, std::move(error)});
  };
  if (root->is_object()) {
    add(*root);
    return {};
  }
  if (!root->is_array())
    return fail(Code::malformed, "a message is a JSON object or an array of objects");
  const auto array = root->get_array().value_unsafe();
  if (array.size() > max_frames_)
    return fail(Code::too_large,
                "a message may hold " + std::to_string(max_frames_) + " frames at most");
  for (const element item : array)
    if (!item.is_object())
      return fail(Code::malformed, "a message is a JSON object or an array of objects");
  for (const element item : array) add(item);
  return {};
}

}  // namespace parley::wire
