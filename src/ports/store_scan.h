#pragma once
#include <map>
#include <string>
#include <vector>

#include "ports/conversation_store.h"

namespace parley {

/// One user's row of a conversation.
struct MarksRow {
  ConversationId conversation;
  UserId user;
  Marks marks;
};
struct UserInboxRow {
  UserId user;
  InboxRow row;
};

/// A conversation store that nobody writes, row by row in the order of its keys, for who copies it
/// as a whole. Nothing in it is changed. Blocking; one thread. Each call gives the next rows, at
/// most `limit`; none at the end. `damaged` names the table.
class StoreScan {
 public:
  virtual ~StoreScan() = default;
  /// `generation`: one that was never used.
  virtual StoreInfo info() const = 0;
  /// Another number after any opening or commit since.
  virtual std::uint64_t version() const = 0;
  /// Of the last entry in the feed: there were so many.
  virtual std::uint64_t last_feed() const = 0;
  /// How far the feed's consumers are, by name.
  virtual const std::map<std::string, std::uint64_t, std::less<>>& positions() const = 0;

  virtual Result<std::vector<EntryPtr>> entries(const ConversationId& conversation, Seq after,
                                                std::size_t limit) = 0;
  virtual Result<std::vector<MarksRow>> marks(const ConversationId& conversation, UserId after,
                                              std::size_t limit) = 0;
  virtual Result<std::vector<UserInboxRow>> inboxes(UserId user, const ConversationId& after,
                                                    std::size_t limit) = 0;
  virtual Result<std::vector<FeedEntry>> feed(std::uint64_t after, std::size_t limit) = 0;
};

}  // namespace parley
