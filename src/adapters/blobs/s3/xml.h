#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::blobs {

// What is read of S3's answers: elements by their names, which do not nest in themselves there, and
// whose texts are ids, names of blobs, numbers and times, so without entities.

/// The text of the first element of this name; empty: there is none.
std::string xml_text(std::string_view xml, std::string_view name);
/// What is in each element of this name.
std::vector<std::string> xml_parts(std::string_view xml, std::string_view name);
/// "2026-01-02T03:04:05.678Z" in ms since 1970.
Result<std::int64_t> xml_time_ms(const std::string& text);

}  // namespace parley::blobs
