#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace parley::detail {

void check_failed(std::string_view condition, std::string_view why, const char* file, int line) {
  std::fprintf(stderr, "parley: broken invariant at %s:%d: %.*s (%.*s)\n", file, line,
               static_cast<int>(why.size()), why.data(), static_cast<int>(condition.size()),
               condition.data());
  std::abort();
}

}  // namespace parley::detail
