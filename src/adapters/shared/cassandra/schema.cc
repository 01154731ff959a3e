#include "adapters/shared/cassandra/schema.h"

namespace parley::cassandra {

std::span<const Migration> migrations() {
  static const std::vector<Migration> kAll = {
      // Written with the time seen as timestamp, in ms: the later one stays.
      {1, {"CREATE TABLE IF NOT EXISTS last_seen (user_id bigint PRIMARY KEY, seen_ms bigint)"}},
      // The conversation store; docs/formats.md says what each row is and how it is stamped.
      {2,
       {"CREATE TABLE IF NOT EXISTS log (conversation blob, bucket bigint, seq bigint, "
        "time_ms bigint, value blob, PRIMARY KEY ((conversation, bucket), seq)) "
        // Read repair would write the rows that were read, and tear the batch that they came in.
        "WITH CLUSTERING ORDER BY (seq DESC) AND read_repair = 'NONE'",
        "CREATE TABLE IF NOT EXISTS sent (conversation blob, sender bigint, key blob, value blob, "
        "PRIMARY KEY ((conversation, sender, key)))",
        "CREATE TABLE IF NOT EXISTS inboxes (user_id bigint, conversation blob, changed_ms bigint, "
        "head bigint, wide boolean, PRIMARY KEY (user_id, conversation))",
        "CREATE TABLE IF NOT EXISTS marks (conversation blob, user_id bigint, delivered bigint, "
        "read_to blob, joined bigint, left_at bigint, PRIMARY KEY (conversation, user_id))",
        "CREATE TABLE IF NOT EXISTS touched (shard int, period bigint, conversation blob, "
        "PRIMARY KEY ((shard, period), conversation))",
        "CREATE TABLE IF NOT EXISTS settled (shard int PRIMARY KEY, time_ms bigint)",
        "CREATE TABLE IF NOT EXISTS store (name text PRIMARY KEY, value bigint)"}},
  };
  return kAll;
}

}  // namespace parley::cassandra
