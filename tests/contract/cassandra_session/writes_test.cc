// Which write wins, batches, and conditions, on the real server.
#include "tests/contract/cassandra_session/fixture.h"

namespace parley::test {
namespace {

using cassandra::Batch;
using cassandra::Statement;

class CassandraWrites : public CassandraSession {
 protected:
  Statement write(std::int64_t seq, std::string_view note,
                  std::optional<std::int64_t> timestamp = {}) const {
    Statement statement(insert_);
    statement.bigint(part).bigint(seq).bytes(note).options.timestamp = timestamp;
    return statement;
  }
  std::string note(std::int64_t seq) const {
    const auto rows = run(Statement(read_).bigint(part).bigint(seq));
    return rows.empty() ? "none" : std::string(rows.at(0, 0).bytes());
  }

  const std::int64_t part = new_partition();

 private:
  const cassandra::Prepared insert_ = prepare("INSERT INTO log (part, seq, note) VALUES (?, ?, ?)");
  const cassandra::Prepared read_ = prepare("SELECT note FROM log WHERE part = ? AND seq = ?");
};

TEST_F(CassandraWrites, OlderTimestampLosesWheneverItComes) {
  run(write(1, "newer", 2000));
  run(write(1, "older", 1000));
  EXPECT_EQ(note(1), "newer");
  run(write(1, "newest", 2001));
  EXPECT_EQ(note(1), "newest");
}

TEST_F(CassandraWrites, OfEqualTimestampsTheGreaterValueStays) {
  run(write(1, "a", 1000));
  run(write(1, "b", 1000));
  run(write(1, "a", 1000));
  EXPECT_EQ(note(1), "b");
}

TEST_F(CassandraWrites, ABatchHasOneTimestamp) {
  run(write(2, "kept", 5000));
  Batch batch;
  batch.options.timestamp = 4000;
  batch.add(write(1, "one"));
  batch.add(write(2, "two"));
  run(batch);
  EXPECT_EQ(note(1), "one");
  EXPECT_EQ(note(2), "kept");
}

TEST_F(CassandraWrites, ABatchOfOnePartitionIsNotBoundByItsSize) {
  Batch batch;
  const std::string body(10'000, 'x');  // 50 KiB is where Cassandra refuses batches of several
  for (int seq = 1; seq <= 50; ++seq) batch.add(write(seq, body));
  run(batch);
  EXPECT_EQ(note(50), body);
}

TEST_F(CassandraWrites, ABadStatementLeavesNothingOfItsBatch) {
  const auto wrong = prepare("INSERT INTO log (part, seq, size) VALUES (?, ?, ?)");
  Batch batch;
  batch.add(write(1, "one"));
  batch.add(Statement(wrong).bigint(part).bigint(2).bigint(8));  // an int of eight bytes
  const auto refused = session().run(batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::internal);
  EXPECT_EQ(note(1), "none");
}

TEST_F(CassandraWrites, ALoggedBatchWritesSeveralPartitions) {
  const auto other = new_partition();
  const auto insert = prepare("INSERT INTO log (part, seq, note) VALUES (?, 1, 'there')");
  Batch batch(Batch::Kind::logged);
  batch.add(write(1, "here"));
  batch.add(Statement(insert).bigint(other));
  run(batch);
  EXPECT_EQ(note(1), "here");
  const auto read = prepare("SELECT note FROM log WHERE part = ?");
  EXPECT_EQ(run(Statement(read).bigint(other)).at(0, 0).bytes(), "there");
}

TEST_F(CassandraWrites, AConditionSaysWhetherItHeld) {
  const auto first = prepare("INSERT INTO log (part, seq, note) VALUES (?, 1, ?) IF NOT EXISTS");
  EXPECT_TRUE(run(Statement(first).bigint(part).bytes("mine")).applied());
  EXPECT_FALSE(run(Statement(first).bigint(part).bytes("theirs")).applied());
  EXPECT_EQ(note(1), "mine");
  const auto swap = prepare("UPDATE log SET note = ? WHERE part = ? AND seq = 1 IF note = ?");
  EXPECT_FALSE(run(Statement(swap).bytes("new").bigint(part).bytes("other")).applied());
  EXPECT_TRUE(run(Statement(swap).bytes("new").bigint(part).bytes("mine")).applied());
}

TEST_F(CassandraWrites, RowsWithATimeToLiveGo) {
  const auto brief =
      prepare("INSERT INTO log (part, seq, note) VALUES (?, 1, 'brief') USING TTL ?");
  run(Statement(brief).bigint(part).integer(1));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (note(1) != "none") ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

}  // namespace
}  // namespace parley::test
