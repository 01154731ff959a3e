// Copies of a store that goes on meanwhile, and stores made of them.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/fault/store/scene.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

namespace fs = std::filesystem;

/// A file of the log holds some 60 entries, and five of them are flushed together.
RocksdbConversationStoreSettings small() {
  RocksdbConversationStoreSettings settings;
  settings.segment_bytes = 16 << 10;
  settings.reserve_bytes = 64 << 10;
  settings.flush_bytes = 64 << 10;
  return settings;
}

void copy_start(const fs::path& from, const fs::path& to, std::uint64_t bytes) {
  std::string content(bytes, '\0');
  std::ifstream in(from, std::ios::binary);
  in.read(content.data(), static_cast<std::streamsize>(bytes));
  ASSERT_EQ(static_cast<std::uint64_t>(in.gcount()), bytes) << from;
  std::ofstream(to, std::ios::binary) << content;
}

/// What a backup copies.
void copy_moment(const fs::path& moment, const std::vector<conversation_log::LogPart>& log,
                 const fs::path& to) {
  fs::create_directories(to / "copied_log");
  fs::copy(moment / "tables", to / "tables");
  for (const auto& part : log)
    copy_start(moment / "log" / part.name, to / "copied_log" / part.name, part.bytes);
}

TEST(Snapshot, IsOfItsMomentWhateverIsWrittenFlushedAndUsedAgainLater) {
  constexpr std::uint64_t kBefore = 400, kAfter = 1'200;
  const TempFolder temp;
  const auto folder = temp.path() / "store", moment = folder / "snapshot",
             copy = temp.path() / "copy";
  std::uint64_t epoch = 0;
  {
    const auto store = RocksdbConversationStore::open(folder.string(), small());
    ASSERT_TRUE(store) << store.error().message;
    epoch = (*store)->info().epoch;
    for (std::uint64_t seq = 1; seq <= kBefore; ++seq) ASSERT_TRUE(send(**store, seq));
    int before = 0, after = 0;
    const auto parts = (*store)->snapshot(
        moment.string(), {[&] { ++before; }, [&](bool done) { after += done ? 1 : 0; }});
    ASSERT_TRUE(parts) << parts.error().message;
    EXPECT_GE(before, 1);
    EXPECT_EQ(after, 1);
    ASSERT_FALSE(parts->empty());

    for (std::uint64_t seq = kBefore + 1; seq <= kAfter; ++seq) ASSERT_TRUE(send(**store, seq));
    for (const auto& part : *parts) {  // released, and taken out of use
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
      while (fs::exists(folder / "log" / part.name) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      EXPECT_FALSE(fs::exists(folder / "log" / part.name)) << part.name;
      EXPECT_EQ(fs::hard_link_count(moment / "log" / part.name), 1U) << part.name;
    }
    copy_moment(moment, *parts, copy);
    expect_entries(**store, kAfter);
  }
  const auto restored = RocksdbConversationStore::restore(copy.string(), small());
  ASSERT_TRUE(restored) << restored.error().message;
  {
    const auto store = RocksdbConversationStore::open(copy.string(), small());
    ASSERT_TRUE(store) << store.error().message;
    expect_entries(**store, kBefore);
    EXPECT_NE((*store)->info().epoch, epoch);
    EXPECT_EQ((*store)->info().last_issued, kBefore);
    ASSERT_TRUE(send(**store, kBefore + 1));
  }
  const auto again = RocksdbConversationStore::open(copy.string(), small());
  ASSERT_TRUE(again) << again.error().message;
  expect_entries(**again, kBefore + 1);
}

TEST(Snapshot, WhileOthersSendIsAPrefixWithAllThatWasAnswered) {
  const TempFolder temp;
  const auto folder = temp.path() / "store";
  const auto store = RocksdbConversationStore::open(folder.string(), small());
  ASSERT_TRUE(store) << store.error().message;
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop && send(**store, answered + 1)) ++answered;
  });
  for (int i = 0; i < 20; ++i) {
    const auto moment = folder / "snapshot", copy = temp.path() / "copy";
    std::uint64_t before = 0, after = 0;
    const auto parts = (*store)->snapshot(
        moment.string(),
        {[&] { before = answered; }, [&](bool done) { after = done ? answered + 1 : after; }});
    EXPECT_TRUE(parts) << parts.error().message;
    if (!parts) break;
    copy_moment(moment, *parts, copy);
    fs::remove_all(moment);
    EXPECT_FALSE(RocksdbConversationStore::open(copy.string(), small())) << "without a restore";
    EXPECT_TRUE(RocksdbConversationStore::restore(copy.string(), small()));
    {
      const auto restored = RocksdbConversationStore::open(copy.string(), small());
      EXPECT_TRUE(restored) << restored.error().message;
      if (!restored) break;
      const auto there = (*restored)->info().last_issued;
      EXPECT_GE(there, before);
      EXPECT_LE(there, after);
      expect_entries(**restored, there);
    }
    fs::remove_all(copy);
  }
  stop = true;
  sender.join();
  EXPECT_GT(answered, 0U);
}

TEST(Snapshot, OfAnOlderVersionHasNoLogAndItsTablesHoldAll) {
  const TempFolder temp;
  const auto folder = temp.path() / "store", copy = temp.path() / "copy";
  {
    const auto store = RocksdbConversationStore::open(folder.string(), small());
    ASSERT_TRUE(store) << store.error().message;
    for (std::uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(send(**store, seq));
  }  // flushes
  fs::create_directories(copy);
  fs::copy(folder / "tables", copy / "tables");
  ASSERT_TRUE(RocksdbConversationStore::restore(copy.string(), small()));
  const auto store = RocksdbConversationStore::open(copy.string(), small());
  ASSERT_TRUE(store) << store.error().message;
  expect_entries(**store, 20);
}

TEST(Snapshot, OfALogThatWasDamagedSinceIsRefused) {
  const TempFolder temp;
  const auto folder = temp.path() / "store", moment = folder / "snapshot",
             copy = temp.path() / "copy";
  {
    const auto store = RocksdbConversationStore::open(folder.string(), small());
    ASSERT_TRUE(store) << store.error().message;
    for (std::uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(send(**store, seq));
    const auto parts = (*store)->snapshot(moment.string(), {[] {}, [](bool) {}});
    ASSERT_TRUE(parts) << parts.error().message;
    ASSERT_EQ(parts->size(), 1U);
    copy_moment(moment, *parts, copy);
    std::fstream(copy / "copied_log" / parts->front().name,
                 std::ios::in | std::ios::out | std::ios::binary)
            .seekp(1'000)
        << 'x';
  }
  const auto restored = RocksdbConversationStore::restore(copy.string(), small());
  ASSERT_FALSE(restored);
  expect_one_line(restored.error(), Code::damaged, "one after it");
}

}  // namespace
}  // namespace parley::test
