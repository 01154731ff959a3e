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
  /// While none of its processes lives: ends in ZooKeeper the sessions that killed ones left, which
  /// their time-out would do later. Throws std::runtime_error.
  void end_sessions() const;

 private:
  const std::string name_;
  const int redis_database_;
};

}  // namespace parley::testing
