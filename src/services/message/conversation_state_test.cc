#include "services/message/conversation_state.h"

#include <gtest/gtest.h>

namespace parley::message {
namespace {

constexpr std::size_t kCapacity = 100;
constexpr std::uint64_t kMany = 5'000;  // states that one turn makes

class ConversationCacheTest : public testing::Test {
 protected:
  /// A turn that touches many new conversations; all of them are busy until it is settled.
  void begin_turn() {
    for (std::uint64_t i = 0; i < kMany; ++i) {
      auto& state = cache_.touch(ConversationId::direct(UserId(1), UserId(next_++)));
      ++state.pins;
      busy_.push_back(&state);
    }
    cache_.evict();
  }
  void settle() {
    for (auto* state : busy_) --state->pins;
    busy_.clear();
  }

  ConversationCache cache_{kCapacity};
  std::vector<ConversationState*> busy_;
  std::uint64_t next_ = 2;
};

TEST_F(ConversationCacheTest, KeepsWhatIsBusy) {
  begin_turn();
  EXPECT_EQ(cache_.size(), kMany);
  settle();
}

TEST_F(ConversationCacheTest, TheBoundHoldsAgainSomeCallsAfterAllAreIdle) {
  begin_turn();
  settle();
  for (std::size_t calls = 0; calls < 1 + kMany / ConversationCache::kLooks; ++calls) {
    EXPECT_TRUE(cache_.is_over());
    cache_.evict();
  }
  EXPECT_EQ(cache_.size(), kCapacity);
  EXPECT_FALSE(cache_.is_over());
}

TEST_F(ConversationCacheTest, TurnsWithManyNewStatesDoNotOutgrowTheBound) {
  for (int turn = 0; turn < 20; ++turn) {
    begin_turn();
    settle();
    EXPECT_LE(cache_.size(), kCapacity + 2 * kMany);
  }
}

TEST_F(ConversationCacheTest, TheLeastRecentlyUsedGoFirst) {
  const auto kept = ConversationId::direct(UserId(1), UserId(2));
  cache_.touch(kept).head.seq = Seq(7);
  for (std::uint64_t i = 0; i < kCapacity; ++i) {
    cache_.touch(ConversationId::direct(UserId(1), UserId(3 + i)));
    cache_.touch(kept);
    cache_.evict();
  }
  EXPECT_EQ(cache_.size(), kCapacity);
  EXPECT_EQ(cache_.touch(kept).head.seq, Seq(7));
}

}  // namespace
}  // namespace parley::message
