#pragma once
#include <fmt/format.h>
#include <string_view>

#include "base/result.h"

namespace parley {

/// What a reader answers to a record that is missing or cannot be read.
inline std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::damaged, fmt::format("the store is damaged: {}", what));
}

}  // namespace parley
