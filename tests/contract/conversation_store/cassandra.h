#pragma once
#include <gtest/gtest.h>

#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "tests/support/cassandra/keyspace.h"

namespace parley::contract {

/// A keyspace on the real server, for the program: made when it is first used, and dropped before
/// the program ends.
class Cassandra final : public testing::Environment {
 public:
  static Cassandra& instance();
  void TearDown() override;
  const test::Keyspace& keyspace();
  void empty();  // every table of the conversation store

 private:
  std::unique_ptr<test::Keyspace> keyspace_;
  std::unique_ptr<cassandra::Session> session_;
};

}  // namespace parley::contract
