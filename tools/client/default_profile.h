#pragma once
#include <filesystem>
#include <string>

#include "client/failure.h"

namespace parley::client {

/// The account that is meant where several are signed in and none is named: a line in the file
/// `default` of the state folder. Empty: none was chosen.
std::string default_profile(const std::filesystem::path& folder);
/// Empty: none.
Outcome<void> set_default_profile(const std::filesystem::path& folder, const std::string& profile);

}  // namespace parley::client
