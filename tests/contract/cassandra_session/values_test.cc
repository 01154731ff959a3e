// Values into Cassandra and rows out of it, through the real server.
#include <limits>

#include "tests/contract/cassandra_session/fixture.h"

namespace parley::test {
namespace {

using cassandra::Statement;

class CassandraValues : public CassandraSession {
 protected:
  const std::int64_t part = new_partition();
  const cassandra::Prepared write =
      prepare("INSERT INTO log (part, seq, body, note, size, seen) VALUES (?, ?, ?, ?, ?, ?)");
  const cassandra::Prepared read =
      prepare("SELECT seq, body, note, size, seen FROM log WHERE part = ?");
};

TEST_F(CassandraValues, ComeBackAsTheyWere) {
  const std::string body("\0\xff\x80 bytes", 9);
  run(Statement(write)
          .bigint(part)
          .bigint(std::numeric_limits<std::int64_t>::min())
          .bytes(body)
          .bytes("Grüße")
          .integer(-7)
          .boolean(true));
  run(Statement(write)
          .bigint(part)
          .bigint(std::numeric_limits<std::int64_t>::max())
          .bytes("")
          .bytes("")
          .integer(std::numeric_limits<std::int32_t>::max())
          .boolean(false));
  const auto rows = run(Statement(read).bigint(part));
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows.at(0, 0).bigint(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(rows.at(0, 1).bytes(), body);
  EXPECT_EQ(rows.at(0, 2).bytes(), "Grüße");
  EXPECT_EQ(rows.at(0, 3).integer(), -7);
  EXPECT_TRUE(rows.at(0, 4).boolean());
  EXPECT_EQ(rows.at(1, 0).bigint(), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(rows.at(1, 1).is_null());
  EXPECT_EQ(rows.at(1, 1).bytes(), "");
  EXPECT_EQ(rows.at(1, 3).integer(), std::numeric_limits<std::int32_t>::max());
  EXPECT_FALSE(rows.at(1, 4).boolean());
}

TEST_F(CassandraValues, NullRemovesAndUnsetLeaves) {
  run(Statement(write).bigint(part).bigint(1).bytes("b").bytes("n").integer(1).boolean(true));
  run(Statement(write).bigint(part).bigint(1).null().unset().null().unset());
  const auto rows = run(Statement(read).bigint(part));
  ASSERT_EQ(rows.size(), 1);
  EXPECT_TRUE(rows.at(0, 1).is_null());
  EXPECT_EQ(rows.at(0, 2).bytes(), "n");
  EXPECT_TRUE(rows.at(0, 3).is_null());
  EXPECT_TRUE(rows.at(0, 4).boolean());
}

TEST_F(CassandraValues, NoRowsAreEmpty) {
  const auto rows = run(Statement(read).bigint(part));
  EXPECT_TRUE(rows.empty());
  EXPECT_TRUE(rows.paging_state().empty());
}

TEST_F(CassandraValues, ABlobOfAMegabytePasses) {
  std::string body(1 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  run(Statement(write).bigint(part).bigint(1).bytes(body).null().null().null());
  EXPECT_EQ(run(Statement(read).bigint(part)).at(0, 1).bytes(), body);
}

TEST_F(CassandraValues, TenThousandRowsComeInPages) {
  constexpr int kRows = 10'000;
  for (int first = 0; first < kRows; first += 500) {
    cassandra::Batch batch;
    for (int seq = first; seq < first + 500; ++seq)
      batch.add(
          Statement(write).bigint(part).bigint(seq).bytes("b").unset().integer(seq).boolean(true));
    run(batch);
  }
  Statement page(read);
  page.bigint(part).options.page_size = 300;
  int next = 0, pages = 0;
  do {
    const auto rows = run(page);
    ++pages;
    ASSERT_LE(rows.size(), 300);
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows.at(i, 0).bigint(), next++);
    page.options.paging_state = rows.paging_state();
  } while (!page.options.paging_state.empty());
  EXPECT_EQ(next, kRows);
  EXPECT_GE(pages, kRows / 300);
  EXPECT_EQ(run(Statement(read).bigint(part)).size(), kRows);  // and all at once
}

TEST_F(CassandraValues, WrongOnesAreRefused) {
  const auto refused = [&](const Statement& statement) {
    const auto rows = session().run(statement);
    return !rows && rows.error().code == Code::internal;
  };
  EXPECT_TRUE(refused(Statement(read)));                           // too few
  EXPECT_TRUE(refused(Statement(read).bigint(part).bigint(1)));    // too many
  EXPECT_TRUE(refused(Statement(read).bytes("not eight bytes")));  // another type
  EXPECT_TRUE(refused(Statement(read).null()));                    // no partition
}

}  // namespace
}  // namespace parley::test
