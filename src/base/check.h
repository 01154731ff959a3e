#pragma once
#include <string_view>

namespace parley::detail {
[[noreturn]] void check_failed(std::string_view condition, std::string_view why, const char* file,
                               int line);
}

/// A broken invariant: says what and where on standard error, and ends the process. Never for bad
/// input.
#define PARLEY_CHECK(condition, why)                                       \
  do {                                                                     \
    if (!(condition)) [[unlikely]]                                         \
      ::parley::detail::check_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
