#include "adapters/shared/cassandra/schema.h"

namespace parley::cassandra {

std::span<const Migration> migrations() {
  static const std::vector<Migration> kAll = {
      // Written with the time seen as timestamp, in ms: the later one stays.
      {1, {"CREATE TABLE IF NOT EXISTS last_seen (user_id bigint PRIMARY KEY, seen_ms bigint)"}},
  };
  return kAll;
}

}  // namespace parley::cassandra
