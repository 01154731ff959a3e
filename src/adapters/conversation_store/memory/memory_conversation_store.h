#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "ports/conversation_store.h"
#include "ports/shard_duties.h"

namespace parley {

/// The conversation store in memory: the fake of tests, and what runs under the thread sanitizer.
/// Nothing survives the object. Commits are applied, become readable and are answered on the
/// store's own thread, in the order of the calls; destruction first answers what was taken. Any
/// thread may call anything. Without `one_log` it keeps the promises of a store whose conversations
/// have logs of their own: what was appended last comes back from `begin` as the tail.
class MemoryConversationStore final : public ConversationStore, public Feed, public ShardDuties {
 public:
  /// `generation` is the one that this opening has; a commit with another one is stale.
  explicit MemoryConversationStore(Generation generation = Generation(1), bool one_log = true);
  ~MemoryConversationStore() override;
  MemoryConversationStore(const MemoryConversationStore&) = delete;

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

  Result<FeedPage> feed(std::uint64_t after, std::size_t limit, Of of) override;
  void trim(std::uint64_t position) override;
  Result<std::uint64_t> position(std::string_view consumer) override;
  void set_position(std::string_view consumer, std::uint64_t position) override;

  Result<std::vector<ConversationId>> touched(std::span<const ShardTime> since) override;
  Result<std::vector<TimeMs>> settled(std::span<const ShardId> shards) override;
  Result<void> set_settled(std::span<const ShardId> shards, TimeMs time) override;

  /// All shards have another owner from now on: commits of the generation before are stale. Without
  /// `one_log` only.
  void take_over(Generation generation);

 private:
  struct Commit {
    Generation generation;
    TimeMs now;
    std::vector<Append> group;
    Done done;
  };
  struct Row {
    TimeMs changed;
    Seq head;
    bool wide = false;
  };

  void run();
  Result<std::uint64_t> apply(const Commit& commit);
  void apply(TimeMs now, const Append& append);
  Head head_of(const ConversationId& conversation) const;

  const StoreInfo info_;
  std::atomic<std::uint64_t> generation_;

  std::mutex queue_mutex_;
  std::condition_variable wake_;
  std::vector<Commit> queue_;
  bool closing_ = false;

  std::mutex mutex_;  // guards what follows
  std::map<ConversationId, std::vector<EntryPtr>> logs_;
  std::map<ConversationId, std::size_t> last_appended_;  // entries of the last append
  std::map<std::tuple<ConversationId, UserId, std::string>, EntryPtr> sent_;
  std::map<std::pair<ConversationId, UserId>, Marks> marks_;
  std::map<UserId, std::map<ConversationId, Row>> inboxes_;
  std::vector<EntryPtr> feed_;
  std::uint64_t trimmed_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> positions_;
  std::map<ShardId, TimeMs> settled_;

  std::thread thread_;
};

}  // namespace parley
