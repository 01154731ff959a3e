#include "wrong_adapters.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <set>

#include "promises.h"

namespace parley::contract {
namespace {

/// The promises that an adapter breaks: the suite itself, with its failures caught.
std::set<std::string> broken_by(const std::function<std::unique_ptr<Subject>()>& make) {
  std::set<std::string> broken;
  for (const auto& promise : all_promises()) {
    if (promise.durable) continue;
    testing::TestPartResultArray failures;
    {
      const testing::ScopedFakeTestPartResultReporter catch_failures(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
      const auto subject = make();
      promise.check(*subject);
    }
    if (failures.size() > 0) broken.insert(promise.name);
  }
  return broken;
}

TEST(WrongAdapters, TheSuiteFindsTheOneThatForgets) {
  EXPECT_TRUE(broken_by(forgetful).contains("an_entry_is_there_once_as_it_was_sent"));
}

TEST(WrongAdapters, TheSuiteFindsTheOneThatRepeats) {
  EXPECT_TRUE(broken_by(repeating).contains("an_entry_is_there_once_as_it_was_sent"));
}

TEST(WrongAdapters, TheSuiteFindsTheOneThatAnswersBeforeItStores) {
  EXPECT_TRUE(broken_by(hasty).contains("an_answered_commit_can_be_read_at_once"));
}

}  // namespace
}  // namespace parley::contract
