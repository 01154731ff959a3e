#include "client/json.h"

#include <cstdlib>
#include <google/protobuf/util/json_util.h>

namespace parley::client {

std::string to_json(const google::protobuf::Message& message, bool complete) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = complete;
  std::string text;
  // It fails only for Any and for out-of-range well-known types, which no message here has.
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) std::abort();
  return text;
}

bool from_json(std::string_view text, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, &message, options)
      .ok();
}

}  // namespace parley::client
