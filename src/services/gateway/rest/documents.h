#pragma once
#include <string_view>

namespace parley::gateway::rest {

/// docs/api/openapi.json and docs/api/asyncapi.json as they were when this was built, without their
/// indentation.
extern const std::string_view kOpenApi;
extern const std::string_view kAsyncApi;

}  // namespace parley::gateway::rest
