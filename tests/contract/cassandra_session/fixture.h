#pragma once
#include <gmock/gmock.h>

#include "tests/support/cassandra/keyspace.h"

namespace parley::test {

inline const cassandra::Migration kTables[] = {
    {1,
     {"CREATE TABLE IF NOT EXISTS log (part bigint, seq bigint, body blob, note text, size int, "
      "seen boolean, PRIMARY KEY (part, seq))"}}};

/// One keyspace for all tests of a suite; each test has a partition of its own.
class CassandraSession : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    keyspace_ = new Keyspace(kTables);
    session_ = keyspace_->open().release();
  }
  static void TearDownTestSuite() {
    delete session_;
    delete keyspace_;
    session_ = nullptr;
    keyspace_ = nullptr;
  }

  static cassandra::Session& session() { return *session_; }
  static const cassandra::Settings& settings() { return keyspace_->settings(); }
  static cassandra::Prepared prepare(std::string_view cql) {
    return session().prepare(cql).value();
  }
  static std::int64_t new_partition() {
    static std::int64_t last = 0;
    return ++last;
  }
  static cassandra::Rows run(const auto& what) {
    auto rows = session().run(what);
    if (!rows) throw std::runtime_error(rows.error().message);
    return std::move(*rows);
  }

 private:
  static inline Keyspace* keyspace_ = nullptr;
  static inline cassandra::Session* session_ = nullptr;
};

}  // namespace parley::test
