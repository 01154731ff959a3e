#include "adapters/conversation_store/timed/timed_conversation_store.h"

#include <future>
#include <gtest/gtest.h>

#include "adapters/conversation_store/memory/memory_conversation_store.h"

namespace parley {
namespace {

std::uint64_t committed(ConversationStore& store, Generation generation) {
  std::promise<Result<std::uint64_t>> answered;
  store.commit(generation, TimeMs(1), {},
               [&](Result<std::uint64_t> outcome) { answered.set_value(std::move(outcome)); });
  const auto outcome = answered.get_future().get();
  return outcome ? 1 : 0;
}

TEST(TimedConversationStore, CountsWhatOperationsTakeAndThoseThatFail) {
  MemoryConversationStore inner;
  Metrics metrics;
  TimedConversationStore store(inner, metrics, "memory");
  EXPECT_EQ(committed(store, Generation(1)), 1u);
  EXPECT_EQ(committed(store, Generation(7)), 0u);  // stale
  EXPECT_TRUE(store.inbox(UserId(1), TimeMs(0), std::nullopt, 10));
  const auto text = metrics.text();
  for (const char* line : {"parley_store_seconds_count{store=\"memory\",operation=\"commit\"} 2\n",
                           "parley_store_seconds_count{store=\"memory\",operation=\"inbox\"} 1\n",
                           "parley_store_failures_total{store=\"memory\",operation=\"commit\"} 1\n",
                           "parley_store_failures_total{store=\"memory\",operation=\"inbox\"} 0\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
}

TEST(TimedConversationStore, PointReadsOfOneLogAreNotTimed) {
  MemoryConversationStore one_log, many_logs(Generation(1), false);
  Metrics metrics;
  TimedConversationStore one(one_log, metrics, "one"), many(many_logs, metrics, "many");
  const auto talk = ConversationId::direct(UserId(1), UserId(2));
  for (auto* store : {&one, &many}) EXPECT_TRUE(store->find(talk, UserId(1), "key"));
  const auto text = metrics.text();
  EXPECT_EQ(text.find("parley_store_seconds_count{store=\"one\",operation=\"find\"}"),
            std::string::npos);
  EXPECT_NE(text.find("parley_store_seconds_count{store=\"many\",operation=\"find\"} 1\n"),
            std::string::npos);
}

}  // namespace
}  // namespace parley
