// The contract is worth something only if it finds what is wrong: each of these adapters breaks a
// promise, and the suite must say so.
#include "tests/contract/stream/adapters.h"
#include "tests/support/contract/failures.h"

namespace parley::test {
namespace {

std::vector<std::string> broken_promises(auto make) {
  std::vector<std::string> broken;
  const auto patience = std::exchange(stream_patience, 2s);
  for (const auto& promise : stream_promises()) {
    const auto failures = failures_of([&] { promise.holds(*make()); });
    if (!failures.empty()) broken.emplace_back(promise.name);
  }
  stream_patience = patience;
  return broken;
}

/// Takes what was read for what was passed, as a client with automatic commits does.
class PassesByItself final : public StreamConsumer {
 public:
  explicit PassesByItself(std::unique_ptr<StreamConsumer> inner) : inner_(std::move(inner)) {}
  Result<std::vector<StreamRecord>> read(std::size_t limit,
                                         std::chrono::milliseconds patience) override {
    auto records = inner_->read(limit, patience);
    if (records)
      for (const auto& record : *records) inner_->passed(record.place);
    return records;
  }
  void passed(StreamPlace place) override { inner_->passed(place); }
  Result<void> commit() override { return inner_->commit(); }
  Result<void> seek(StreamPlace place) override { return inner_->seek(place); }
  std::vector<LaneLag> lag() const override { return inner_->lag(); }

 private:
  std::unique_ptr<StreamConsumer> inner_;
};

class WithAutomaticCommits final : public MemoryUnderTest {
 public:
  std::unique_ptr<StreamConsumer> consumer(std::string group, StreamLanes lanes) override {
    return std::make_unique<PassesByItself>(
        MemoryUnderTest::consumer(std::move(group), std::move(lanes)));
  }
};

TEST(StreamContractItself, FindsOneThatPassesWhatItGivesOut) {
  const auto broken = broken_promises([] { return std::make_unique<WithAutomaticCommits>(); });
  EXPECT_NE(std::ranges::find(broken, "WhatWasNotPassedComesAgainAndNothingElse"), broken.end());
  EXPECT_NE(std::ranges::find(broken, "LagIsWhatIsNotPassed"), broken.end());
  EXPECT_EQ(broken.size(), 2u);
}

TEST(StreamContractItself, FindsNothingInTheRightOne) {
  EXPECT_EQ(broken_promises([] { return std::make_unique<MemoryUnderTest>(); }),
            std::vector<std::string>{});
}

}  // namespace
}  // namespace parley::test
