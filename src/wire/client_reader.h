#pragma once
#include <google/protobuf/arena.h>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parley/v1/frames.pb.h"
#include "wire/json_reader.h"
#include "wire/subprotocol.h"

namespace parley::wire {

/// A frame of a client's message, or what is wrong with it.
struct ClientItem {
  const v1::ClientFrame* frame = nullptr;  // null: `error` says why
  std::uint64_t id = 0;                    // also of a frame at fault, where it could be read
  Error error = {};  // `field` is a path within the operation: `body.text`, `marks[3].seq`
};

/// Reads WebSocket messages into client frames. Keeps its buffers: one per thread.
class ClientReader {
 public:
  /// `max_frames`: of one message; `max_bytes`: of one text.
  ClientReader(std::size_t max_frames, std::size_t max_bytes);

  /// The frames in their order, valid until the next call. A frame whose content does not fit
  /// frames.proto is an item with a `malformed` error. Error `malformed`: the message does not
  /// consist of frames at all. Error `too_large`: more than `max_frames`.
  Result<std::span<const ClientItem>> read(Subprotocol subprotocol, std::string_view payload);

 private:
  Result<void> read_pb(std::string_view payload);
  Result<void> read_json_text(std::string_view payload);
  v1::ClientFrame* make_frame();

  const std::size_t max_frames_;
  std::vector<char> block_;  // the arena's first block: small messages allocate nothing
  google::protobuf::Arena arena_;
  JsonReader json_;
  std::vector<ClientItem> items_;
};

}  // namespace parley::wire
