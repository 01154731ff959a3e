#pragma once
#include "adapters/conversation_store/rocksdb/parts.h"
#include "ports/store_scan.h"

namespace parley {

/// The store in a folder, read whole while its server is stopped: takes the lock, writes nothing.
/// Rows of the tables and of the log that no table has yet are woven together.
class RocksdbScan final : public StoreScan {
 public:
  /// `not_found`: there is no store; else as RocksdbConversationStore::open.
  static Result<std::unique_ptr<RocksdbScan>> open(const std::string& folder,
                                                   RocksdbConversationStoreSettings settings = {});

  StoreInfo info() const override { return parts_.info; }
  std::uint64_t version() const override;
  std::uint64_t last_feed() const override { return parts_.tail->last_feed(); }
  const std::map<std::string, std::uint64_t, std::less<>>& positions() const override {
    return parts_.state.consumers;
  }
  Result<std::vector<EntryPtr>> entries(const ConversationId& conversation, Seq after,
                                        std::size_t limit) override;
  Result<std::vector<MarksRow>> marks(const ConversationId& conversation, UserId after,
                                      std::size_t limit) override;
  Result<std::vector<UserInboxRow>> inboxes(UserId user, const ConversationId& after,
                                            std::size_t limit) override;
  Result<std::vector<FeedEntry>> feed(std::uint64_t after, std::size_t limit) override;

 private:
  explicit RocksdbScan(StoreParts parts);

  StoreParts parts_;
  // What the log holds and the tables do not, by key.
  std::vector<EntryPtr> entries_;
  std::vector<MarksRow> marks_;
  std::vector<UserInboxRow> inboxes_;
};

}  // namespace parley
