#pragma once
#include <string>

namespace parley::testing {

/// Where one cluster of processes keeps its rows on the real servers that tests share
/// (tests/support/backends): a database, a keyspace, a topic, a prefix of its own. Made by `parleyd
/// migrate` and the processes. MySQL's and Cassandra's are dropped with the object, ZooKeeper's few
/// nodes and Kafka's topic go with the servers.
class ClusterNames {
 public:
  ClusterNames();
  ~ClusterNames();
  ClusterNames(const ClusterNames&) = delete;

  /// The sections of the configuration that say so, but [messages].
  std::string settings() const;
  /// While none of its processes lives: releases in ZooKeeper the shards of those that were killed,
  /// and ends their sessions, as the time-out of session and lease would later. (That they do, and
  /// that nobody takes a shard before: tests/fault/cluster, tests/contract/coordination.) Throws
  /// std::runtime_error.
  void clear_dead() const;

 private:
  const std::string name_;
  const int redis_database_;
};

}  // namespace parley::testing
