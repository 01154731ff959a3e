// No space: `storage_full`, nothing stored, everything that was answered can be read, also by a
// store opened on the full disk; with space again it goes on by itself.
#include <thread>

#include "tests/fault/store/scene.h"

namespace parley::test {
namespace {

/// Sends until the disk is full; the last entry stored.
std::uint64_t fill(ConversationStore& store, std::uint64_t last) {
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    if (const auto answer = send(store, last + 1, 1'000); !answer) {
      EXPECT_EQ(answer.error().code, Code::storage_full) << answer.error().message;
      EXPECT_GT(answer.error().retry_after_ms, 0U);
      return last;
    }
    ++last;
  }
  ADD_FAILURE() << "the disk does not become full";
  return last;
}

bool sends_again(ConversationStore& store, std::uint64_t seq) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!send(store, seq)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(FullDisk, IsSaidAndTheStoreGoesOnWhenThereIsSpace) {
  Disk disk;
  auto store = open_on(disk);
  ASSERT_TRUE(store);
  ASSERT_TRUE(send(**store, 1));
  disk.set_quota(disk.used() + 300'000);
  auto last = fill(**store, 1);
  EXPECT_GT(last, 50U);
  expect_entries(**store, last);
  disk.set_quota(disk.used() + 1'000'000);
  ASSERT_TRUE(sends_again(**store, last + 1));
  expect_entries(**store, last + 1);
  store->reset();
  store = open_on(disk);
  ASSERT_TRUE(store) << store.error().message;
  expect_entries(**store, last + 1);
}

TEST(FullDisk, WhatWasAnsweredCanBeReadByAStoreOpenedOnIt) {
  Disk disk;
  auto store = open_on(disk);
  ASSERT_TRUE(store);
  ASSERT_TRUE(send(**store, 1));
  disk.set_quota(disk.used() + 300'000);
  const auto last = fill(**store, 1);
  store->reset();
  store = open_on(disk);
  ASSERT_TRUE(store) << store.error().message;
  expect_entries(**store, last);
  disk.set_quota(disk.used() + 2'000'000);
  ASSERT_TRUE(sends_again(**store, last + 1));
  expect_entries(**store, last + 1);
}

}  // namespace
}  // namespace parley::test
