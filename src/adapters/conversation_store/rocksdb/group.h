#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "ports/conversation_store.h"

namespace parley {

// What a record of the log says; docs/formats.md has the bytes.

/// Appends one conversation's part of a commit.
void encode_append(const Append& append, TimeMs now, Generation generation, std::string& out);
/// Appends a feed consumer's position.
void encode_position(std::string_view consumer, std::uint64_t position, std::string& out);

struct GroupReader {
  std::function<void(Append, TimeMs now)> append;
  std::function<void(std::string consumer, std::uint64_t position)> position;
};
/// Reads a record's payload back; false for bytes that are none.
bool decode_group(std::string_view payload, const GroupReader& reader);

}  // namespace parley
