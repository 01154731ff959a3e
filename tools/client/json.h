#pragma once
#include <google/protobuf/message.h>
#include <string>
#include <string_view>

namespace parley::client {

/// The protocol's JSON: names as in the .proto files, 64-bit numbers as decimal strings. One line.
/// `complete` prints fields that hold their default, too: what scripts read.
std::string to_json(const google::protobuf::Message& message, bool complete = false);

/// Unknown fields are ignored. False if it is not JSON for this message.
[[nodiscard]] bool from_json(std::string_view text, google::protobuf::Message& message);

}  // namespace parley::client
