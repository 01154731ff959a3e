// What an opening refuses, each with one sentence that says what to do.
#include "adapters/conversation_store/rocksdb/index.h"
#include "parley/store/v1/store.pb.h"
#include "tests/fault/store/scene.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

TEST(Refusals, ASecondOpeningIsRefusedAndHarmsNothing) {
  const TempFolder temp;
  const auto folder = (temp.path() / "store").string();
  const auto first = RocksdbConversationStore::open(folder);
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(send(**first, 1));
  const auto second = RocksdbConversationStore::open(folder);
  ASSERT_FALSE(second);
  expect_one_line(second.error(), Code::unavailable, folder);
  ASSERT_TRUE(send(**first, 2));
  expect_entries(**first, 2);
}

TEST(Refusals, ANewerFormatIsRefused) {
  const Disk disk;
  {
    const auto store = open_on(disk);
    ASSERT_TRUE(store);
    ASSERT_TRUE(send(**store, 1));
  }
  {
    RocksdbConversationStoreSettings settings;
    settings.env = disk.env();
    const auto index = Index::open("/store/tables", settings, Index::Mode::read_write);
    ASSERT_TRUE(index) << index.error().message;
    store::v1::Identity identity;
    identity.set_format(3);
    identity.set_epoch(1);
    identity.set_shards(kShards);
    Index::Writer writer(**index, Table::meta, "/store/tables/next.sst");
    ASSERT_TRUE(writer.add("identity", identity.SerializeAsString()));
    ASSERT_TRUE(writer.finish());
    ASSERT_TRUE((*index)->ingest({"/store/tables/next.sst"}));
  }
  const auto opened = open_on(disk);
  ASSERT_FALSE(opened);
  expect_one_line(opened.error(), Code::unsupported, "newer version");
}

TEST(Refusals, ANewerLogIsRefused) {
  Disk disk;
  {
    ASSERT_TRUE(open_on(disk));
  }
  disk.damage("/store/log/000000000001.log", 8);  // the version
  const auto opened = open_on(disk);
  ASSERT_FALSE(opened);
  expect_one_line(opened.error(), Code::unsupported, "newer version");
}

TEST(Refusals, AnotherNumberOfShardsIsRefused) {
  const TempFolder temp;
  const auto folder = (temp.path() / "store").string();
  {
    ASSERT_TRUE(RocksdbConversationStore::open(folder));
  }
  RocksdbConversationStoreSettings settings;
  settings.shards = 16;
  const auto opened = RocksdbConversationStore::open(folder, settings);
  ASSERT_FALSE(opened);
  expect_one_line(opened.error(), Code::invalid_argument, "1024");
}

}  // namespace
}  // namespace parley::test
