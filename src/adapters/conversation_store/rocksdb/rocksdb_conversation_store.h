#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/conversation_store/rocksdb/commit_queue.h"
#include "adapters/conversation_store/rocksdb/parts.h"
#include "ports/conversation_store.h"

namespace parley {

/// The embedded, durable conversation store: a log of our own that every group of commits is
/// synced to, a tail in memory that answers for what is only there, and RocksDB's tables behind it.
///
/// A *committer* thread takes all calls that wait, writes and syncs them as one record, lets
/// readers see them, and answers in order. A *flusher* thread moves what has gathered to the
/// tables and has the log's files used again. Ending the object answers what was taken and flushes.
class RocksdbConversationStore final : public ConversationStore, public Feed {
 public:
  using Settings = RocksdbConversationStoreSettings;

  /// Opens the store in `folder` (absolute), or makes it. Errors are one sentence: `unavailable`
  /// (another process has it open), `unsupported` (a newer format), `damaged` (names the file;
  /// nothing was changed), `storage_full`.
  static Result<std::unique_ptr<RocksdbConversationStore>> open(std::string folder,
                                                                Settings settings = {});
  ~RocksdbConversationStore() override;
  RocksdbConversationStore(const RocksdbConversationStore&) = delete;

  /// Entries whose commit was not begun; whether the disk is full, so that nothing more is taken.
  /// Any thread.
  std::size_t waiting() const { return queue_.entries(); }
  bool full() const { return full_; }
  /// The store as of one moment, while it goes on: makes the folder `into` (on the same file
  /// system), with the tables in `tables`, and in `log` the files whose first bytes are the answer.
  /// Of a copy of these, the latter in `copied_log`, `restore` can make a store. `cut.before()`
  /// runs when that moment is near, `cut.after(true)` when it is past: everything committed before
  /// it, and nothing after it, is in the copy. `cut.after(false)`: it was not to be, `before` comes
  /// again. Blocks for as long as a flush takes; not on the store's threads. `unavailable`: it does
  /// not come to an end.
  struct Cut {
    std::function<void()> before;
    std::function<void(bool done)> after;
  };
  Result<std::vector<conversation_log::LogPart>> snapshot(const std::string& into, const Cut& cut);
  /// Makes the store in `folder`, a copy of what `snapshot` made, one that can be opened: with a
  /// new epoch, since it may lack what clients have seen.
  static Result<void> restore(const std::string& folder, Settings settings = {});

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

 private:
  RocksdbConversationStore(StoreParts parts, StorePaths paths);

  // Committer.
  void run_committer();
  /// Handles calls from `from` on as one record; returns the first that it left.
  std::size_t process(std::vector<Commit>& batch, std::size_t from);
  Result<void> write();
  void slow_down();
  void freeze_if_due(bool idle);
  void freeze();
  double load() const;  // what is not in the tables, in flushes

  // Flusher.
  void wake_flusher();
  void run_flusher();
  bool maintain();  // false: to be tried again
  Result<void> flush_frozen();
  Result<void> keep_reserve();
  void set_full(bool full);

  /// Whoever took the tables gives them back.
  class Taken {
   public:
    explicit Taken(RocksdbConversationStore& store) : store_(store) {}
    ~Taken();
    Taken(const Taken&) = delete;

   private:
    RocksdbConversationStore& store_;
  };
  bool try_take_tables();

  static Error stale();

  // Reads.
  Result<Head> stored_head(const ConversationId& conversation);
  Result<EntryPtr> entry(const ConversationId& conversation, Seq seq);
  Result<EntryPtr> stored_entry(const ConversationId& conversation, Seq seq);
  Result<void> stored_entries(const ConversationId& conversation, Seq from, Seq to,
                              std::vector<EntryPtr>& out);
  /// Goes on after page.next, to rows before `end`.
  Result<void> stored_feed(std::uint64_t end, std::size_t limit, Of of, FeedPage& page);

  const StorePaths paths_;
  const Settings settings_;
  const std::shared_ptr<conversation_log::LogFiles> files_;
  const StoreInfo info_;
  const std::shared_ptr<void> lock_;
  const std::unique_ptr<Index> index_;
  const std::unique_ptr<conversation_log::Log> log_;
  Tails tails_;
  CommitQueue queue_;

  // The committer's.
  std::string record_;
  std::uint64_t last_issued_;
  std::uint64_t tail_bytes_;  // of log, in the growing tail
  std::uint64_t frozen_bytes_ = 0;

  struct Position {
    std::uint64_t position = 0;
    bool logged = false;
  };
  std::mutex positions_mutex_;
  std::map<std::string, Position, std::less<>> positions_;

  std::atomic<std::uint64_t> trimmed_;  // of the feed: nobody reads up to here
  std::atomic<bool> full_{false};       // no space for the next flush: nothing more is taken
  std::mutex flush_mutex_;
  std::condition_variable flush_wake_;
  std::condition_variable flush_done_;
  bool work_ = false;          // for the flusher
  bool tables_taken_ = false;  // somebody moves what is in the log to the tables, or copies both
  bool closing_ = false;       // the committer waits for no flush any more
  bool flusher_stops_ = false;

  std::thread committer_;
  std::thread flusher_;
};

}  // namespace parley
