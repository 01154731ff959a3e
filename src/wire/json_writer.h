#pragma once
#include <google/protobuf/message.h>
#include <string>

namespace parley::wire {

/// One JSON object by protobuf's JSON mapping with the names of the .proto file: 64-bit numbers are
/// decimal strings, fields with their default value are left out.
std::string to_json(const google::protobuf::Message& message);

}  // namespace parley::wire
