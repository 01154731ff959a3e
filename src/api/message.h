#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/auth.h"
#include "domain/cursor.h"
#include "domain/entry.h"
#include "domain/marks.h"

namespace parley {

/// Identifies a connection across gateways, so that a sender's own connection is left out. 0: none.
using Origin = Named<struct OriginTag, std::uint64_t>;

struct SendRequest {
  std::uint64_t token = 0;  // the caller's own, repeated in the answer
  ConversationId conversation;
  UserId sender;
  DeviceId device;
  Origin origin;
  std::string client_message_id;
  std::string body;  // validated bytes of parley.v1.Body
};
struct SendAnswer {
  std::uint64_t token = 0;
  Result<Head> sent;  // seq, message_id and time of the entry; `countable` too
};

struct MarkRequest {
  std::uint64_t token = 0;  // 0: no answer is wanted (delivered)
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;
  Origin origin;
};
struct MarkAnswer {
  std::uint64_t token = 0;
  Result<void> done;
};

/// Gets the answers to what was asked, in batches, on the loop that asked. Outlives its requests.
class MessageListener {
 public:
  virtual ~MessageListener() = default;
  virtual void on_sent(std::vector<SendAnswer> answers) = 0;
  virtual void on_marked(std::vector<MarkAnswer> answers) = 0;
};

/// Where a conversation stands for one user.
struct ConversationView {
  ConversationId conversation;
  Head head;
  Marks own;
  std::vector<std::pair<UserId, Marks>> others;  // of a direct conversation
  Seq joined = {}, left = {};  // of a group: what the user may read; left 0: is a member
  std::uint32_t members = 0;   // of a group
  TimeMs changed;
};

/// How far the members of a conversation are, as of one entry.
struct Receipts {
  std::uint32_t members = 0;  // other than the entry's sender
  std::uint32_t delivered = 0, read = 0;
  std::vector<std::pair<UserId, Marks>> each;  // up to kReceiptMembers members; above: counts alone
};

/// One conversation that changed since a cursor.
struct Change {
  ConversationView view;
  Seq from;  // entries in [from, view.head.seq] are new since the cursor; from > head: marks only
};
struct Changes {
  std::vector<Change> changes;
  Cursor cursor;  // taken before the read
};

struct HistoryQuery {
  enum class From { before, after, around, before_time, after_time, around_time };
  From from = From::before;
  std::uint64_t at = 0;  // a seq, or milliseconds; `before` 0: from the end
  std::size_t limit = 50;
};
struct HistoryPage {
  std::vector<EntryPtr> entries;  // by rising seq
  Head head;
  bool more_before = false;
  bool more_after = false;
};

/// Conversation logs, marks and inboxes. `send` and `mark` take what one loop turn collected, keep
/// the order within a conversation, and answer each request exactly once. Must be called on a loop
/// of the process. Errors: invalid_argument, not_found (no such conversation, or the asker is not
/// in it: the two look alike), conflict, storage_full, unavailable, busy.
class MessageApi {
 public:
  virtual ~MessageApi() = default;
  virtual void send(std::vector<SendRequest> batch, MessageListener& listener) = 0;
  virtual void mark(std::vector<MarkRequest> batch, MessageListener& listener) = 0;

  /// What changed for the user since the cursor, oldest change first.
  virtual Awaitable<Result<Changes>> changes(UserId user, Cursor since) = 0;
  /// At most `limit` entries of [from, to] by rising seq, the newest of them.
  virtual Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker,
                                                           ConversationId conversation, Seq from,
                                                           Seq to, std::size_t limit) = 0;
  virtual Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                                 HistoryQuery query) = 0;
  /// The end of the conversation's log as its owner serves it, while it certainly is the owner; all
  /// zero: it has no entries. `stale_generation`: another process is.
  virtual Awaitable<Result<Head>> head(ConversationId conversation) = 0;
  /// Appends a change that the group service has committed; its users join and leave by it. The
  /// same version twice: the first answer again. Changes of a group come in the order of their
  /// versions
  /// (`conflict` else).
  virtual Awaitable<Result<Head>> append(GroupId group, UserId actor, GroupChange change) = 0;
  /// Marks of some users in a conversation, for who has the duty to deliver; in their order.
  virtual Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                                      std::vector<UserId> users) = 0;
  virtual Awaitable<Result<Receipts>> receipts(UserId asker, ConversationId conversation,
                                               Seq seq) = 0;
  /// Those of `users` with whom the asker shares a direct conversation that has entries, or a
  /// group.
  virtual Awaitable<Result<std::vector<UserId>>> visible(UserId asker,
                                                         std::vector<UserId> users) = 0;
  /// One conversation as it stands for the asker. A direct one without entries: head 0. A group
  /// that the asker left: as it was then.
  virtual Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation) = 0;
  /// The user's conversations in the order of their keys, after `after`.
  virtual Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) = 0;
};

}  // namespace parley
