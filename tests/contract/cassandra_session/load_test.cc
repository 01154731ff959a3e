// Many requests at once, on the real server.
#include <semaphore>

#include "adapters/shared/cassandra/fan_out.h"
#include "tests/contract/cassandra_session/fixture.h"

namespace parley::test {
namespace {

using cassandra::Rows;
using cassandra::Statement;

class CassandraLoad : public CassandraSession {
 protected:
  Statement write(std::int64_t seq) const {
    Statement statement(insert);
    statement.bigint(part).bigint(seq).options.idempotent = true;
    return statement;
  }
  std::int64_t stored() const {
    const auto count = prepare("SELECT count(*) FROM log WHERE part = ?");
    return run(Statement(count).bigint(part)).at(0, 0).bigint();
  }

  const std::int64_t part = new_partition();
  const cassandra::Prepared insert =
      prepare("INSERT INTO log (part, seq, note) VALUES (?, ?, 'note')");
};

TEST_F(CassandraLoad, TenThousandInFlightAreAllAnswered) {
  constexpr int kRequests = 10'000;
  std::counting_semaphore<kRequests> answered(0);
  std::atomic<int> failed = 0;
  for (int i = 0; i < kRequests; ++i)
    session().execute(write(i), [&](Result<Rows> rows) {
      if (!rows) ++failed;
      answered.release();
    });
  for (int i = 0; i < kRequests; ++i) answered.acquire();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(stored(), kRequests);
}

TEST_F(CassandraLoad, BeyondTheBoundTheyAreRefusedAtOnce) {
  auto narrow = settings();
  narrow.max_in_flight = 16;
  const auto session = Keyspace::open(narrow);
  const auto prepared =
      session->prepare("INSERT INTO log (part, seq, note) VALUES (?, ?, 'note')").value();
  constexpr int kRequests = 5'000;
  std::counting_semaphore<kRequests> answered(0);
  std::atomic<int> done = 0, refused = 0;
  for (int i = 0; i < kRequests; ++i)
    session->execute(Statement(prepared).bigint(part).bigint(i), [&](Result<Rows> rows) {
      if (rows)
        ++done;
      else if (rows.error().code == Code::unavailable && rows.error().retry_after_ms > 0)
        ++refused;
      answered.release();
    });
  for (int i = 0; i < kRequests; ++i) answered.acquire();
  EXPECT_EQ(done + refused, kRequests);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(stored(), done);
}

TEST_F(CassandraLoad, FanOutTakesEachAnswerOnceAndStopsAtTheFirstError) {
  constexpr std::size_t kRows = 2'000;
  ASSERT_TRUE(cassandra::fan_out(
      session(), kRows, 32, [&](std::size_t i) { return write(static_cast<std::int64_t>(i)); },
      [](std::size_t, Rows) {}));
  const auto read = prepare("SELECT seq FROM log WHERE part = ? AND seq = ?");
  std::vector<std::int64_t> seen(kRows, -1);
  ASSERT_TRUE(cassandra::fan_out(
      session(), kRows, 32,
      [&](std::size_t i) {
        return Statement(read).bigint(part).bigint(static_cast<std::int64_t>(i));
      },
      [&](std::size_t i, Rows rows) { seen[i] = rows.at(0, 0).bigint(); }));
  for (std::size_t i = 0; i < kRows; ++i) ASSERT_EQ(seen[i], static_cast<std::int64_t>(i));

  std::size_t started = 0;
  const auto failed = cassandra::fan_out(
      session(), kRows, 4,
      [&](std::size_t i) {
        ++started;
        return i == 10 ? Statement(read) : Statement(read).bigint(part).bigint(1);
      },
      [](std::size_t, Rows) {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::internal);
  EXPECT_LT(started, kRows);
}

}  // namespace
}  // namespace parley::test
