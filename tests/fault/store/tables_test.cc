// What an opened store makes of its tables: a store of an older format is raised, and rows of the
// feed that were trimmed are deleted.
#include "adapters/conversation_store/rocksdb/index.h"
#include "adapters/shared/rows/rows.h"
#include "parley/store/v1/store.pb.h"
#include "tests/fault/store/scene.h"

namespace parley::test {
namespace {

std::unique_ptr<Index> tables(const Disk& disk, Index::Mode mode) {
  RocksdbConversationStoreSettings settings;
  settings.env = disk.env();
  auto index = Index::open("/store/tables", settings, mode);
  EXPECT_TRUE(index) << (index ? "" : index.error().message);
  return index ? std::move(*index) : nullptr;
}

store::v1::Identity identity(const Disk& disk) {
  const auto index = tables(disk, Index::Mode::read_only);
  rocksdb::PinnableSlice bytes;
  EXPECT_TRUE(*index->get(Table::meta, "identity", bytes));
  store::v1::Identity identity;
  EXPECT_TRUE(identity.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return identity;
}

TEST(Format, AStoreOfFormatOneIsRaisedAtItsOpeningAndKeepsWhatItHas) {
  Disk disk;
  std::uint64_t epoch = 0;
  {
    const auto store = open_on(disk);
    ASSERT_TRUE(store);
    for (std::uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(send(**store, seq));
    epoch = (*store)->info().epoch;
    disk.fail_now(Failure::kill, 1);  // entries in the log
  }
  disk = disk.found();
  {
    const auto index = tables(disk, Index::Mode::read_write);
    store::v1::Identity older;
    older.set_format(1);
    older.set_epoch(epoch);
    older.set_shards(kShards);
    Index::Writer writer(*index, Table::meta, "/store/tables/older.sst");
    ASSERT_TRUE(writer.add("identity", older.SerializeAsString()));
    ASSERT_TRUE(writer.finish());
    ASSERT_TRUE(index->ingest({"/store/tables/older.sst"}));
  }
  ASSERT_EQ(identity(disk).format(), 1U);
  {
    const auto store = open_on(disk);
    ASSERT_TRUE(store) << store.error().message;
    expect_entries(**store, 20);
    EXPECT_EQ((*store)->info().epoch, epoch);
  }
  EXPECT_EQ(identity(disk).format(), 2U);
  EXPECT_EQ(identity(disk).epoch(), epoch);
  EXPECT_EQ(identity(disk).shards(), kShards);
}

/// The positions of the feed's rows that are in the tables.
std::vector<std::uint64_t> feed_rows(const Disk& disk) {
  std::vector<std::uint64_t> found;
  const auto index = tables(disk, Index::Mode::read_only);
  EXPECT_TRUE(index->scan(Table::feed, "", [&](std::string_view key, std::string_view) {
    found.push_back(rows::get_u64(key));
    return true;
  }));
  return found;
}

// Each end of a store flushes.
TEST(TrimmedFeed, IsDeletedFromTheTablesAtTheNextFlushAndItsNewRowsAreNotWritten) {
  Disk disk;
  std::uint64_t sent = 0;
  const auto session = [&](std::uint64_t sends, std::uint64_t trimmed) {
    const auto store = open_on(disk);
    ASSERT_TRUE(store) << store.error().message;
    for (; sends > 0; --sends) ASSERT_TRUE(send(**store, ++sent));
    (*store)->trim(trimmed);
  };
  using Rows = std::vector<std::uint64_t>;
  session(6, 0);
  EXPECT_EQ(feed_rows(disk), (Rows{1, 2, 3, 4, 5, 6}));
  session(2, 4);  // among those in the tables
  EXPECT_EQ(feed_rows(disk), (Rows{5, 6, 7, 8}));
  session(0, 5);  // nothing new
  EXPECT_EQ(feed_rows(disk), (Rows{6, 7, 8}));
  session(4, 10);  // among the new ones
  EXPECT_EQ(feed_rows(disk), (Rows{11, 12}));
  session(3, 12);  // exactly those in the tables
  EXPECT_EQ(feed_rows(disk), (Rows{13, 14, 15}));
  session(2, 17);  // all
  EXPECT_EQ(feed_rows(disk), Rows{});
  session(2, 3);  // less than before
  EXPECT_EQ(feed_rows(disk), (Rows{18, 19}));
  const auto store = open_on(disk);
  ASSERT_TRUE(store);
  const auto page = (*store)->feed(2, 100, Feed::Of::all);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries.front().position, 18U);
  EXPECT_EQ(page->next, 19U);
}

// A row that is gone and was not trimmed is damage.
TEST(TrimmedFeed, ARowThatIsMissingAboveItIsDamage) {
  Disk disk;
  {
    const auto store = open_on(disk);
    ASSERT_TRUE(store);
    for (std::uint64_t seq = 1; seq <= 8; ++seq) ASSERT_TRUE(send(**store, seq));
    (*store)->trim(3);
  }
  {
    const auto index = tables(disk, Index::Mode::read_write);
    Index::Writer writer(*index, Table::feed, "/store/tables/hole.sst");
    ASSERT_TRUE(writer.remove(rows::feed_key(5), rows::feed_key(6)));
    ASSERT_TRUE(writer.finish());
    std::array<std::string, kTables> files;
    files[static_cast<std::size_t>(Table::feed)] = "/store/tables/hole.sst";
    ASSERT_TRUE(index->ingest(files));
  }
  const auto store = open_on(disk);
  ASSERT_TRUE(store);
  const auto page = (*store)->feed(0, 100, Feed::Of::all);
  ASSERT_FALSE(page);
  expect_one_line(page.error(), Code::damaged, "row 5 of the feed");
  EXPECT_TRUE((*store)->feed(5, 100, Feed::Of::all));
}

}  // namespace
}  // namespace parley::test
