#pragma once
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "adapters/conversation_store/cassandra/log_end.h"
#include "adapters/conversation_store/cassandra/settings.h"
#include "adapters/conversation_store/cassandra/tables.h"
#include "ports/shard_duties.h"

namespace parley {

/// Conversations with logs of their own, in Cassandra. Any number of processes open the same store;
/// each writes the conversations whose shards it holds the lease of. README.md says by which rules.
/// Commits are settled on the store's own thread; reads block, and fail with `busy` under
/// QuickReads. Destruction answers what was taken: what is not settled by then, `unavailable`.
class CassandraConversationStore final : public ConversationStore, public ShardDuties {
 public:
  using Settings = CassandraConversationStoreSettings;

  /// On a session that others may use too. `unsupported`: the schema, or the store was made with
  /// other numbers of shards or of entries in a partition.
  static Result<std::unique_ptr<CassandraConversationStore>> open(
      std::shared_ptr<cassandra::Session> session, Settings settings);
  ~CassandraConversationStore() override;
  CassandraConversationStore(const CassandraConversationStore&) = delete;

  StoreInfo info() const override { return info_; }
  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override;
  Result<Begun> begin(const ConversationId& conversation, Generation generation) override;
  Result<Head> head(const ConversationId& conversation) override;
  Result<std::optional<Sent>> find(const ConversationId& conversation, UserId sender,
                                   std::string_view client_message_id) override;
  Result<std::vector<EntryPtr>> read(const ConversationId& conversation, Seq from, Seq to,
                                     std::size_t limit, bool newest) override;
  Result<Seq> seek(const ConversationId& conversation, TimeMs time) override;
  Result<Marks> marks(const ConversationId& conversation, UserId user) override;
  Result<std::vector<Participant>> participants(const ConversationId& group, UserId after,
                                                std::size_t limit) override;
  Result<std::vector<InboxRow>> inbox(UserId user, TimeMs since,
                                      std::optional<ConversationId> after,
                                      std::size_t limit) override;

  Result<std::vector<ConversationId>> touched(std::span<const ShardTime> since) override;
  Result<std::vector<TimeMs>> settled(std::span<const ShardId> shards) override;
  Result<void> set_settled(std::span<const ShardId> shards, TimeMs time) override;

 private:
  struct Write;
  using Writing = std::shared_ptr<Write>;

  CassandraConversationStore(std::shared_ptr<cassandra::Session> session, Settings settings,
                             cassandra_log::Tables tables, std::uint64_t epoch);

  // Writes; on the store's thread.
  void issue(Writing write);
  void answered(const Writing& write, Result<cassandra::Rows> answer);
  void repeat(Writing write);
  void stop_waiting();
  void finish(const Writing& write, Result<std::uint64_t> outcome);
  std::vector<cassandra::Batch> batches(Write& write);
  void add_entries(const Write& write, std::vector<cassandra::Statement>& out) const;
  void add_rest(Write& write, std::vector<cassandra::Statement>& out);
  bool holds(const ConversationId& conversation, Generation generation) const;

  // Reads.
  std::uint64_t bucket_of(Seq seq) const { return (seq.value - 1) / settings_.bucket_entries; }
  Seq last_of(std::uint64_t bucket) const { return Seq((bucket + 1) * settings_.bucket_entries); }
  struct End {
    std::vector<cassandra_log::Row> rows;
    Begun begun;
  };
  Result<End> read_end(const ConversationId& conversation);
  bool bucket_begins(const cassandra_log::Row& row) const;
  Result<void> read_rows(const ConversationId& conversation, std::uint64_t bucket, Seq to,
                         std::uint64_t limit, std::vector<cassandra_log::Row>& out);
  /// The last seq that any row has, 0: none.
  Result<Seq> last_seq(const ConversationId& conversation);
  Result<Seq> last_seq(const ConversationId& conversation, std::uint64_t bucket);
  Result<EntryPtr> entry(const ConversationId& conversation, Seq seq);  // null: there is none
  Result<void> read_bucket(const ConversationId& conversation, Seq from, Seq to, std::size_t limit,
                           bool newest, std::vector<EntryPtr>& out);
  /// All rows, page by page, until `take` says false.
  Result<void> each_row(
      cassandra::Statement statement,
      const std::function<Result<bool>(const cassandra::Rows&, std::size_t)>& take);

  const std::shared_ptr<cassandra::Session> session_;
  const Settings settings_;
  const cassandra_log::Tables tables_;
  const StoreInfo info_;
  /// By shard, the highest generation under which a write was left uncertain: it is over, whatever
  /// becomes of its lease, since nobody knows what stands under its stamp.
  std::vector<std::atomic<std::uint64_t>> over_;

  // The store's thread's.
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::list<Writing> writes_;  // not settled yet
  bool closing_ = false;
  std::function<void()> drained_;
  std::int64_t period_ = 0;                   // of what is in `noted_`
  std::unordered_set<ConversationId> noted_;  // whose row in `touched` is stored
  std::thread thread_;
};

}  // namespace parley
