#include "adapters/shared/cassandra/schema.h"

namespace parley::cassandra {

// Of every table: a quorum read asks the third replica too once one of the two has not answered for
// so long. By the 99th percentile alone, Cassandra's default, the time-outs on a node that died
// soon count as usual, and nearly every read waits, for about 20 s, until the others know that it
// is gone.
#define PARLEY_ASKS_ANOTHER "speculative_retry = 'MIN(99PERCENTILE,100MS)'"

std::span<const Migration> migrations() {
  static const std::vector<Migration> kAll = {
      // Written with the time seen as timestamp, in ms: the later one stays.
      {1,
       {"CREATE TABLE IF NOT EXISTS last_seen (user_id bigint PRIMARY KEY, seen_ms bigint) "
        "WITH " PARLEY_ASKS_ANOTHER}},
      // The conversation store; docs/formats.md says what each row is and how it is stamped.
      {2,
       {"CREATE TABLE IF NOT EXISTS log (conversation blob, bucket bigint, seq bigint, "
        "time_ms bigint, value blob, PRIMARY KEY ((conversation, bucket), seq)) "
        // Read repair would write the rows that were read, and tear the batch that they came in.
        "WITH CLUSTERING ORDER BY (seq DESC) AND read_repair = 'NONE' "
        "AND " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS sent (conversation blob, sender bigint, key blob, value blob, "
        "PRIMARY KEY ((conversation, sender, key))) WITH " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS inboxes (user_id bigint, conversation blob, changed_ms bigint, "
        "head bigint, wide boolean, PRIMARY KEY (user_id, conversation)) WITH " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS marks (conversation blob, user_id bigint, delivered bigint, "
        "read_to blob, joined bigint, left_at bigint, PRIMARY KEY (conversation, user_id)) "
        "WITH " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS touched (shard int, period bigint, conversation blob, "
        "PRIMARY KEY ((shard, period), conversation)) WITH " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS settled (shard int PRIMARY KEY, time_ms bigint) "
        "WITH " PARLEY_ASKS_ANOTHER,
        "CREATE TABLE IF NOT EXISTS store (name text PRIMARY KEY, value bigint) "
        "WITH " PARLEY_ASKS_ANOTHER}},
  };
  return kAll;
}

}  // namespace parley::cassandra
