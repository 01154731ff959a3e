#pragma once
#include <filesystem>
#include <functional>
#include <limits>
#include <string>

#include "base/result.h"

namespace parley::app {

/// Hears of every piece that was read, and may end it with an error.
using EachPiece = std::function<Result<void>(std::uint64_t bytes)>;

/// SHA-256 of a file's bytes, as 64 hexadecimal digits.
Result<std::string> sha256_of(const std::filesystem::path& file, const EachPiece& each);

/// Copies a file, or its first `bytes`, to a new one of mode 0600, in small pieces; answers the
/// SHA-256 of what was read. It is durable after `sync_tree`. `damaged`: it has fewer bytes.
Result<std::string> copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
                              const EachPiece& each,
                              std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max());

/// A new file of mode 0600, synced.
Result<void> write_file(const std::filesystem::path& file, std::string_view content);

/// The names in it are durable.
Result<void> sync_folder(const std::filesystem::path& folder);

/// The folder and all that is in it are durable. `each` runs after every sync.
Result<void> sync_tree(
    const std::filesystem::path& folder,
    const std::function<Result<void>()>& each = [] { return Result<void>(); });

}  // namespace parley::app
