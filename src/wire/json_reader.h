#pragma once
#include <google/protobuf/message.h>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace simdjson::dom {
class element;
}

namespace parley::wire {

/// Strict JSON (RFC 8259, at most 32 levels deep) into protobuf messages by protobuf's JSON
/// mapping: names as in the .proto file or in lowerCamelCase, 64-bit numbers as decimal strings or
/// integers, null as absent, unknown fields ignored. Keeps its buffers: one per thread.
///
/// Errors are `malformed`; `field` is the path of the field at fault (`marks[3].seq`), empty where
/// the text is no JSON at all.
class JsonReader {
 public:
  /// `max_bytes`: of a text; longer ones are `too_large`.
  explicit JsonReader(std::size_t max_bytes);
  ~JsonReader();

  /// The text must be one object. An empty text is the empty object.
  Result<void> read(std::string_view text, google::protobuf::Message& out);

  /// Any JSON value, valid until the next call.
  Result<simdjson::dom::element*> parse(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// An unsigned 64-bit number as the mapping has it.
std::optional<std::uint64_t> read_uint64(const simdjson::dom::element& value);

/// Merges a parsed value into a message that is empty.
Result<void> read_json(const simdjson::dom::element& value, google::protobuf::Message& out);

}  // namespace parley::wire
