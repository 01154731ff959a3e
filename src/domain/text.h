#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/limits.h"

namespace parley {

/// Well-formed by Unicode 15, table 3-7: no surrogates, no overlong forms.
bool is_utf8(std::string_view bytes);

/// Folds a user name to its stored form (ASCII lower case) or says what is wrong: 3 to 32 of a-z
/// 0-9 _ .
Result<std::string> fold_user_name(std::string_view name);

/// A name or a line of text for people: UTF-8, within `max_bytes`, no control characters.
Result<void> check_label(std::string_view text, std::size_t max_bytes, std::string field);

/// 1 to 64 bytes of printable ASCII.
Result<void> check_client_message_id(std::string_view id);

/// FNV-1a 64: what an idempotency row keeps of a body.
std::uint64_t hash_bytes(std::string_view bytes);

}  // namespace parley
