#pragma once
#include <filesystem>
#include <memory>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/conversation_store/timed/timed_conversation_store.h"
#include "adapters/shared/sqlite/database.h"
#include "app/config.h"
#include "ports/groups.h"
#include "ports/last_seen.h"
#include "ports/push.h"
#include "services/message/publishing_store.h"

namespace parley::app {

struct Process;

/// The stores of the services that run in this process: each in the data folder, under a lock of
/// its own, or on the servers that the configuration names. Errors are one sentence for the person
/// who starts the server.
struct Stores {
  std::unique_ptr<RocksdbConversationStore> conversations;  // one log
  std::unique_ptr<CassandraConversationStore> logs;         // or many,
  std::unique_ptr<TimedConversationStore> timed;            // either, and what it takes
  std::unique_ptr<StreamPublisher> feed;                    // and the feed,
  std::unique_ptr<message::PublishingStore> published;      // on which each entry of them goes
  std::shared_ptr<cassandra::Session> cassandra;
  std::unique_ptr<accounts::SqlAccounts> accounts;
  std::unique_ptr<PushSink> pushes;
  std::unique_ptr<GroupStore> groups;
  std::unique_ptr<LastSeenStore> last_seen;
  std::vector<std::pair<std::string, sqlite::Database*>> sqlite;  // those in the data folder, by
                                                                  // the names of their folders

  /// Everything of an embedded server.
  Result<void> open_embedded(const Config& config);
  // For who does not wait for servers.
  Result<void> open_conversations(const Config& config);
  Result<void> open_accounts(const Config& config);
};

/// Makes the folder if there is none, and answers its path.
Result<std::filesystem::path> data_folder(const Config& config);

/// A record of the feed: the entry's seq, 8 bytes, and the entry as stores keep it. Its key is the
/// conversation's text.
std::string encode_record(const Entry& entry);

/// The key of the gateways' tickets, made at the first start.
Result<std::string> ticket_key_of(accounts::SqlAccounts& accounts);

// For the table of services. A store that is open stays as it is.
Result<void> open_conversations(Process& p);
Result<void> open_accounts(Process& p);
Result<void> open_pushes(Process& p);
Result<void> open_groups(Process& p);
Result<void> open_last_seen(Process& p);

/// The feed of many logs, for who fans group entries out.
Result<void> open_feed(Process& p);

}  // namespace parley::app
