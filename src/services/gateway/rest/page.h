#pragma once
#include <string>

namespace parley::gateway::rest {

/// The page at `/`: what this is and how to connect. Self-contained: no scripts, nothing fetched.
const std::string& home_page();

/// Its Content-Security-Policy: nothing but its own style, by hash.
const std::string& home_page_policy();

}  // namespace parley::gateway::rest
