#pragma once
#include <google/protobuf/message.h>
#include <string>
#include <string_view>

#include "options.h"

namespace parley::load {

/// One HTTP request in JSON, over a connection of its own; blocks; by TLS if the options say so.
/// Without a token it is nobody's, without a body empty. Throws std::runtime_error unless it is
/// answered by a status of the 200s and a body that is what is expected.
void http_call(const Options& options, std::string_view method, std::string_view path,
               std::string_view token, const google::protobuf::Message* body,
               google::protobuf::Message& answer);

}  // namespace parley::load
