#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace parley::app {

/// SHA-256 of a file's bytes, as 64 hexadecimal digits.
Result<std::string> sha256_of(const std::filesystem::path& file);

/// Copies a file to a new one of mode 0600, in small pieces, each of which is on the disk before
/// the next, so that the syncs of others wait for little; answers the SHA-256 of what was read.
/// `each` hears of every piece, and may end it with an error.
Result<std::string> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                              const std::function<Result<void>(std::uint64_t bytes)>& each);

/// A new file of mode 0600, synced.
Result<void> write_file(const std::filesystem::path& file, std::string_view content);

/// The names in it are durable.
Result<void> sync_folder(const std::filesystem::path& folder);

}  // namespace parley::app
