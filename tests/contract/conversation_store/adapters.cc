#include "adapters.h"

#include <atomic>

#include "adapters/conversation_store/memory/memory_conversation_store.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "base/check.h"
#include "cassandra.h"
#include "tests/support/contract/temp_folder.h"
#include "tests/support/disk/disk.h"

namespace parley::contract {
namespace {

class MemorySubject final : public Subject {
 public:
  ConversationStore& store() override { return store_; }
  Feed* feed() override { return &store_; }

 private:
  MemoryConversationStore store_;
};

class RocksdbSubject : public Subject {
 public:
  ConversationStore& store() override { return *store_; }
  Feed* feed() override { return store_.get(); }
  void reopen() override {
    store_.reset();
    open();
  }

 protected:
  void open() {
    auto opened = RocksdbConversationStore::open(folder(), settings());
    PARLEY_CHECK(opened, opened ? "" : opened.error().message);
    store_ = std::move(*opened);
  }
  virtual std::string folder() const = 0;
  virtual RocksdbConversationStoreSettings settings() const = 0;
  std::unique_ptr<RocksdbConversationStore> store_;
};

/// On the machine's own files, with the settings of the product. The power is not cut here.
class FolderSubject final : public RocksdbSubject {
 public:
  FolderSubject() { open(); }
  ~FolderSubject() override { store_.reset(); }
  void cut_power() override { reopen(); }

 private:
  std::string folder() const override { return (temp_.path() / "store").string(); }
  RocksdbConversationStoreSettings settings() const override { return {}; }
  test::TempFolder temp_;
};

/// Begins with an empty keyspace. Opening again is another process that takes all shards over.
class CassandraSubject final : public Subject {
 public:
  CassandraSubject() {
    Cassandra::instance().empty();
    open();
  }
  ConversationStore& store() override { return *store_; }
  Feed* feed() override { return nullptr; }
  Generation generation() override { return Generation(generation_.load()); }
  void reopen() override {
    store_.reset();
    open();
  }
  void cut_power() override { reopen(); }

 private:
  void open() {
    ++generation_;
    CassandraConversationStoreSettings settings;
    settings.bucket_entries = 4;  // so that all kinds of reads go over several
    settings.holds = [this](ShardId, Generation of) { return of.value == generation_; };
    settings.ask_owner = [this](const ConversationId& id) -> Result<Head> {
      PARLEY_TRY(begun, store_->begin(id, generation()));
      return begun.tail.empty() ? begun.head : head_after(*begun.tail.back());
    };
    auto opened = CassandraConversationStore::open(Cassandra::instance().keyspace().open(),
                                                   std::move(settings));
    PARLEY_CHECK(opened, opened.error().message);
    store_ = std::move(*opened);
  }
  std::atomic<std::uint64_t> generation_ = 0;
  std::unique_ptr<CassandraConversationStore> store_;
};

/// On a disk that forgets what was not synced, flushing all the time, so that most of what is read
/// comes from the tables.
class DiskSubject final : public RocksdbSubject {
 public:
  DiskSubject() { open(); }
  void cut_power() override {
    disk_.fail_now(test::Failure::power, ++cuts_);
    store_.reset();
    disk_ = disk_.found();
    open();
  }

 private:
  std::string folder() const override { return "/store"; }
  RocksdbConversationStoreSettings settings() const override {
    RocksdbConversationStoreSettings settings;
    settings.segment_bytes = 32 << 10;
    settings.flush_entries = 3;
    settings.reserve_bytes = 4096;
    settings.files = disk_.log_files();
    settings.env = disk_.env();
    return settings;
  }
  test::Disk disk_;
  std::uint64_t cuts_ = 0;
};

}  // namespace

std::vector<Adapter> adapters() {
  return {{"memory", false, [] { return std::make_unique<MemorySubject>(); }},
          {"rocksdb", true, [] { return std::make_unique<FolderSubject>(); }},
          {"rocksdb_flushing", true, [] { return std::make_unique<DiskSubject>(); }},
          {"cassandra", true, [] { return std::make_unique<CassandraSubject>(); }, false}};
}

}  // namespace parley::contract
