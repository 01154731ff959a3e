#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/disk/disk.h"

namespace parley::test {

/// What a run met, for the report.
struct Outcome {
  std::vector<std::string> wrong;  // empty: every promise held
  std::size_t calls = 0;
  std::size_t answered = 0;
  std::size_t vanished = 0;       // entries that no opening showed
  std::uint64_t gone = 0;         // rows of the feed that were trimmed
  std::size_t while_opening = 0;  // failures that came before an opening was done
  std::size_t while_working = 0;
};

/// Three times: opens the store, judges it, commits from two threads, and fails in an operation
/// drawn from `seed`; then opens it twice more.
Outcome play(std::uint64_t seed, Honest honest);

}  // namespace parley::test
