// A flipped byte is found at the next opening, which is refused with one line that names the file,
// and nothing is lost by that: with the byte turned back everything is there.
#include <algorithm>

#include "tests/fault/store/scene.h"

namespace parley::test {
namespace {

constexpr std::uint64_t kEntries = 120;

/// A store with everything in its tables, or with everything in its log.
Disk filled(bool in_tables) {
  Disk disk;
  auto store = open_on(disk);
  EXPECT_TRUE(store);
  for (std::uint64_t seq = 1; seq <= kEntries; ++seq) EXPECT_TRUE(send(**store, seq));
  if (!in_tables) {
    disk.fail_now(Failure::kill, 1);
    store->reset();
    return disk.found();
  }
  store->reset();
  return disk;
}

void expect_refused(const Disk& whole, const std::string& folder, const std::string& name,
                    std::uint64_t offset) {
  SCOPED_TRACE(name + " at " + std::to_string(offset));
  auto disk = whole.copy();
  disk.damage(folder + "/" + name, offset);
  {
    const auto opened = open_on(disk);
    ASSERT_FALSE(opened);
    expect_one_line(opened.error(), Code::damaged, name);
  }
  ASSERT_GT(disk.size(folder + "/" + name), offset) << "the damaged file was changed";
  disk.damage(folder + "/" + name, offset);
  const auto mended = open_on(disk);
  ASSERT_TRUE(mended) << mended.error().message;
  expect_entries(**mended, kEntries);
}

TEST(Damage, OfATableIsRefused) {
  const auto disk = filled(true);
  std::size_t tables = 0;
  for (const auto& name : disk.list("/store/tables")) {
    if (!name.ends_with(".sst")) continue;
    ++tables;
    // The last bytes, the footer, hold padding that nothing reads.
    const auto end = disk.size("/store/tables/" + name) - 60;
    for (std::uint64_t i = 0; i < 4; ++i)
      expect_refused(disk, "/store/tables", name, (2 * i + 1) * end / 8);
  }
  EXPECT_GE(tables, 5U);
}

TEST(Damage, OfTheManifestIsRefused) {
  const auto disk = filled(true);
  for (const auto& name : disk.list("/store/tables")) {
    if (!name.starts_with("MANIFEST")) continue;
    const auto size = disk.size("/store/tables/" + name);
    for (std::uint64_t offset = 0; offset < size; offset += std::max<std::uint64_t>(size / 24, 1))
      expect_refused(disk, "/store/tables", name, offset);
    expect_refused(disk, "/store/tables", name, size - 1);
  }
}

TEST(Damage, OfTheLogBeforeItsLastRecordIsRefused) {
  const auto disk = filled(false);
  auto names = disk.list("/store/log");
  std::ranges::sort(names);
  std::erase_if(names, [](const auto& name) { return !name.ends_with(".log"); });
  ASSERT_GE(names.size(), 3U);
  for (const std::uint64_t offset : {0U, 20U, 66U, 70U, 400U, 5'000U})
    for (std::size_t i = 0; i < 2; ++i) expect_refused(disk, "/store/log", names[i], offset);
}

TEST(Damage, ALogFileThatIsMissingIsRefused) {
  const auto whole = filled(false);
  auto names = whole.list("/store/log");
  std::ranges::sort(names);
  ASSERT_GE(names.size(), 3U);
  auto disk = whole.copy();
  ASSERT_TRUE(disk.log_files()->remove("/store/log/" + names[1]));
  const auto opened = open_on(disk);
  ASSERT_FALSE(opened);
  expect_one_line(opened.error(), Code::damaged, names[1]);
}

TEST(Damage, AStoreWithoutItsTablesIsNotTakenForANewOne) {
  const auto disk = filled(false);
  for (const auto& name : disk.list("/store/tables"))
    ASSERT_TRUE(disk.log_files()->remove("/store/tables/" + name));
  const auto opened = open_on(disk);
  ASSERT_FALSE(opened);
  expect_one_line(opened.error(), Code::damaged, "/store/tables/CURRENT");
}

// A damaged length of the last change looks as if the power had failed while it was written. Then
// either what it said can be done again from the log, or the opening is refused; and never does
// RocksDB throw files away first.
TEST(Damage, AtTheManifestsEndLosesNothing) {
  const auto whole = filled(true);
  for (const auto& name : whole.list("/store/tables")) {
    if (!name.starts_with("MANIFEST")) continue;
    const auto path = "/store/tables/" + name;
    const auto size = whole.size(path);
    for (std::uint64_t back = 1; back <= 96; back += 5) {
      SCOPED_TRACE(back);
      auto disk = whole.copy();
      disk.damage(path, size - back);
      auto opened = open_on(disk);
      if (!opened) {
        expect_one_line(opened.error(), Code::damaged, "damaged");
        ASSERT_EQ(disk.size(path), size);
        disk.damage(path, size - back);
        opened = open_on(disk);
      }
      ASSERT_TRUE(opened) << opened.error().message;
      expect_entries(**opened, kEntries);
    }
  }
}

}  // namespace
}  // namespace parley::test
