#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::gateway::rest {

struct Target {
  std::vector<std::string> path;  // decoded segments
  std::map<std::string, std::string, std::less<>> query;
};

/// A request target in origin form (RFC 9112 section 3.2.1), split before it is percent-decoded, so
/// that an encoded `/` stays within its segment. None if an escape is not one, or what it stands
/// for is not UTF-8.
std::optional<Target> parse_target(std::string_view target);

}  // namespace parley::gateway::rest
