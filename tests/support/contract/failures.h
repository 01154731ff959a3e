#pragma once
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace parley::test {

/// What `body` reported as failed, on any thread, instead of failing the running test. With it a
/// test shows that a suite finds the fault in a deliberately wrong adapter.
template <class F>
std::vector<std::string> failures_of(F body) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    try {
      body();
    } catch (const std::exception& e) {
      ADD_FAILURE() << "threw: " << e.what();
    }
  }
  std::vector<std::string> failures;
  for (int i = 0; i < results.size(); ++i)
    if (results.GetTestPartResult(i).failed())
      failures.emplace_back(results.GetTestPartResult(i).message());
  return failures;
}

}  // namespace parley::test
