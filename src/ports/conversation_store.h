#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "domain/entry.h"
#include "domain/marks.h"

namespace parley {

/// A user's mark in a conversation, to be merged by maximum with what is stored.
struct MarkChange {
  ConversationId conversation;
  UserId user;
  Marks marks;
};

/// What one conversation gets in one commit: all of it or nothing.
struct Append {
  ConversationId conversation;
  std::vector<EntryPtr> entries;  // dense, following the stored head; each with a client_message_id
                                  // leaves an idempotency row
  std::vector<UserId> inboxes;    // whose inbox rows now say (time and seq of the last entry)
  bool wide = false;              // those rows stay: entries after these do not renew them
  std::vector<MarkChange> marks;
};

/// What a store knows of itself when it is opened.
struct StoreInfo {
  std::uint64_t epoch = 0;  // random, made with the store, changed by a restore
  Generation generation;    // of this opening: stored, and greater than at every opening before
  std::uint64_t last_issued = 0;  // no message_id above this was ever committed
  /// All conversations share one log, and this process is its only writer. Else each conversation
  /// has a log of its own, whose writer holds its shard's lease: a commit holds one conversation,
  /// under the lease's generation, and is settled when it is settled; `generation` and
  /// `last_issued` are 0; the store has no Feed but ShardDuties.
  bool one_log = true;
};

/// What a conversation's writer begins with.
struct Begun {
  Head head;  // of what is certainly committed
  /// What follows it in the log and was perhaps never acknowledged. It is committed again, as it
  /// is, before anything else is appended or any head is told. Empty where there is one log.
  std::vector<EntryPtr> tail;
};

/// An acknowledged send, found again by its idempotency key.
struct Sent {
  Seq seq;
  MessageId id;
  TimeMs time;
  std::uint64_t body_hash = 0;
};

struct InboxRow {
  ConversationId conversation;
  TimeMs changed;  // of the last entry, or of a mark of anybody in it
  Seq head;
  bool wide = false;  // entries do not renew this row: the conversation's head says what is new
};

/// A user of a group, now or once.
struct Participant {
  UserId user;
  Marks marks;

  bool operator==(const Participant&) const = default;
};

/// The conversation logs, with marks, inboxes and the feed: one durable store.
///
/// Ownership: one process, one opening at a time (a lock). Any thread may call anything.
/// Durability: `done` runs after everything in the group is synced to disk, and only then; a reader
/// sees nothing that is not synced. All of a group is stored or nothing of it, also through a power
/// cut. `done` runs on the store's own thread, in the order of the calls: post it on, do not work
/// there. Groups of several callers share one sync. Order: the caller keeps one append per
/// conversation in flight, and numbers entries from the head. Failure: `stale_generation` (an
/// opening since then; nothing stored), `storage_full` (nothing stored; later calls work again when
/// there is space), `busy` (the backlog is full; nothing stored). A failed sync ends the process.
/// Retry: an append whose outcome is unknown (the process died) is found again by `find`.
///
/// Where each conversation has its own log (StoreInfo::one_log is false; docs/ownership.md argues
/// it): `done` with success runs only if the lease still held after the write was stored; a write
/// whose outcome is unknown is repeated for as long as it holds. `stale_generation` then says
/// nothing of what is stored: who gets it forgets all that it knows of the shard's conversations.
class ConversationStore {
 public:
  /// The feed position of the last entry stored so far, this group's included.
  using Done = std::move_only_function<void(Result<std::uint64_t>)>;

  virtual ~ConversationStore() = default;

  virtual StoreInfo info() const = 0;

  /// Appends, and merges marks. A group may hold marks alone (`entries` empty): the inbox rows
  /// named then get `changed` = `now`. `now` is the caller's hybrid time.
  virtual void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) = 0;

  // Reads block on a cache miss, but under QuickReads, where they fail with `busy` instead. A
  // damaged record is `damaged`, never skipped.
  /// What a writer must know first, once in each generation and whenever it has forgotten it.
  /// `stale_generation`: another has, or may have, a later one.
  virtual Result<Begun> begin(const ConversationId& conversation, Generation generation) = 0;
  /// The end of the log, for readers. Without one log only the conversation's owner can say it
  /// (rule 6): a store without one is given a way to ask, and fails as that fails.
  virtual Result<Head> head(const ConversationId& conversation) = 0;
  /// A row counts only if it is not above the caller's head.
  virtual Result<std::optional<Sent>> find(const ConversationId& conversation, UserId sender,
                                           std::string_view client_message_id) = 0;
  /// Entries with from <= seq <= to by rising seq, at most `limit`; the first ones, or with
  /// `newest` the last ones.
  virtual Result<std::vector<EntryPtr>> read(const ConversationId& conversation, Seq from, Seq to,
                                             std::size_t limit, bool newest) = 0;
  /// The first seq whose entry's time is at or after `time`; head + 1 where there is none.
  virtual Result<Seq> seek(const ConversationId& conversation, TimeMs time) = 0;
  virtual Result<Marks> marks(const ConversationId& conversation, UserId user) = 0;
  /// Those whom a group_change ever made members of the group (`joined` is set), by rising user,
  /// after `after`. What marks say of them is all merged.
  virtual Result<std::vector<Participant>> participants(const ConversationId& group, UserId after,
                                                        std::size_t limit) = 0;
  /// Rows of a user with changed >= since, or wide, in the order of conversation keys, after
  /// `after` (none: from the first).
  virtual Result<std::vector<InboxRow>> inbox(UserId user, TimeMs since,
                                              std::optional<ConversationId> after,
                                              std::size_t limit) = 0;
};

struct FeedEntry {
  std::uint64_t position = 0;  // dense in commit order, from 1
  ConversationId conversation;
  Seq seq;
};
struct FeedPage {
  std::vector<FeedEntry> entries;
  std::uint64_t next = 0;  // everything up to this position was looked at: go on after it
};

/// The stream of stored entries in commit order. Same object, threads and durability as the
/// ConversationStore; an entry is in the feed as soon as it can be read. At least once: a consumer
/// starts again after its stored position, so consuming twice must change nothing.
class Feed {
 public:
  virtual ~Feed() = default;
  enum class Of { all, groups };
  /// Entries with position > after, at most `limit`; of all conversations, or of groups alone. What
  /// was trimmed is passed over.
  virtual Result<FeedPage> feed(std::uint64_t after, std::size_t limit, Of of) = 0;
  /// 0 for a consumer that never stored one. Positions never go back: a lower one is ignored.
  virtual Result<std::uint64_t> position(std::string_view consumer) = 0;
  /// Stored with the next commit's sync at the latest; a crash may bring an older one back.
  virtual void set_position(std::string_view consumer, std::uint64_t position) = 0;
  /// Every consumer has passed everything up to `position`: those rows may go, now or later.
  virtual void trim(std::uint64_t position) = 0;
};

}  // namespace parley
