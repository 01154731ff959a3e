#include "wire/json_writer.h"

#include <google/protobuf/util/json_util.h>

#include "base/check.h"

namespace parley::wire {

std::string to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  PARLEY_CHECK(status.ok(), status.ToString());
  return out;
}

}  // namespace parley::wire
