// Servers that are not there, refuse, or go: every call ends in time, and later ones work again.
#include <future>

#include "tests/contract/cassandra_session/fixture.h"
#include "tests/support/tcp_gate/tcp_gate.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using cassandra::Session;
using cassandra::Statement;
using testing::HasSubstr;

constexpr auto kPatience = 60s;

class CassandraFaults : public CassandraSession {
 protected:
  CassandraFaults() {
    auto through = settings();
    through.contact_points = gate.address();
    through.request_timeout = 2s;
    gated = Keyspace::open(through);
    write = std::make_unique<cassandra::Prepared>(
        gated->prepare("INSERT INTO log (part, seq, note) VALUES (?, 1, 'note')").value());
  }

  Statement statement(bool idempotent = false) const {
    Statement one(*write);
    one.bigint(part).options.idempotent = idempotent;
    return one;
  }
  /// The errors seen until a write is done, which must come by itself.
  std::vector<Code> errors_until_well() {
    std::vector<Code> errors;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const auto done = gated->run(statement());
      if (done) return errors;
      errors.push_back(done.error().code);
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << done.error().message;
        return errors;
      }
    }
  }

  TcpGate gate{settings().contact_points};
  std::unique_ptr<Session> gated;
  std::unique_ptr<cassandra::Prepared> write;
  const std::int64_t part = new_partition();
};

TEST_F(CassandraFaults, WrongStatementsAreRefusedWithTheServersWords) {
  for (const auto& [cql, word] : {std::pair{"SELEC 1", "SELEC"},
                                  {"SELECT v FROM no_such_table", "no_such_table"},
                                  {"SELECT no_such_column FROM log", "no_such_column"}}) {
    const auto run = session().run(cql);
    ASSERT_FALSE(run) << cql;
    EXPECT_EQ(run.error().code, Code::internal);
    EXPECT_THAT(run.error().message, HasSubstr(word));
    const auto prepared = session().prepare(cql);
    ASSERT_FALSE(prepared) << cql;
    EXPECT_EQ(prepared.error().code, Code::internal);
    EXPECT_THAT(prepared.error().message, HasSubstr(word));
  }
}

TEST_F(CassandraFaults, NobodyThereIsSaidWithTheAddress) {
  auto nowhere = settings();
  nowhere.contact_points = "127.0.0.1:1";
  nowhere.open_timeout = 3s;
  const auto begun = std::chrono::steady_clock::now();
  const auto opened = Session::open(nowhere);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unavailable);
  EXPECT_THAT(opened.error().message, HasSubstr("127.0.0.1:1"));
}

TEST_F(CassandraFaults, SilenceAtOpeningEndsInTime) {
  auto silent = settings();
  silent.contact_points = gate.address();
  silent.open_timeout = 2s;
  gate.shut();
  const auto opened = Session::open(silent);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unavailable);
  EXPECT_THAT(opened.error().message, HasSubstr(gate.address()));
}

TEST_F(CassandraFaults, ADataCentreThatIsNotThereIsRefused) {
  auto wrong = settings();
  wrong.local_dc = "atlantis";
  const auto opened = Session::open(wrong);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, testing::AllOf(HasSubstr("atlantis"), HasSubstr("dc1")));
  wrong.local_dc = "dc1";
  EXPECT_TRUE(Keyspace::open(wrong)->run("SELECT seq FROM log LIMIT 1"));
}

TEST_F(CassandraFaults, TooFewReplicasIsUnavailable) {
  // Two copies on one node: the second is nowhere.
  const auto name = settings().keyspace + "_two";
  ASSERT_TRUE(
      session().run(fmt::format("CREATE KEYSPACE {} WITH replication = {{'class': "
                                "'SimpleStrategy', 'replication_factor': 2}}",
                                name)));
  ASSERT_TRUE(session().run(fmt::format("CREATE TABLE {}.t (k int PRIMARY KEY)", name)));
  const auto both = prepare(fmt::format("INSERT INTO {}.t (k) VALUES (1)", name));
  Statement statement_of_both(both);
  statement_of_both.options.consistency = cassandra::Consistency::all;
  const auto refused = session().run(statement_of_both);
  statement_of_both.options.consistency = cassandra::Consistency::one;
  EXPECT_TRUE(session().run(statement_of_both));
  ASSERT_TRUE(session().run(fmt::format("DROP KEYSPACE {}", name)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_GT(refused.error().retry_after_ms, 0);
}

TEST_F(CassandraFaults, SilenceTimesOutAndEnds) {
  gate.shut();
  auto brief = statement();
  brief.options.timeout = 300ms;
  const auto begun = std::chrono::steady_clock::now();
  const auto lost = gated->run(brief);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 300ms);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::timed_out);
  gate.open();
  EXPECT_THAT(errors_until_well(),
              testing::Each(testing::AnyOf(Code::timed_out, Code::unavailable)));
}

TEST_F(CassandraFaults, ALostConnectionLeavesItOpenWhetherItWasDone) {
  for (const bool idempotent : {false, true}) {
    auto lost = fail(Code::unavailable, "");
    // Broken before it was sent, it is surely not done, and says so: then again.
    for (int tries = 0; tries < 50 && lost.error().code == Code::unavailable; ++tries) {
      errors_until_well();
      gate.shut();
      std::promise<Result<cassandra::Rows>> promise;
      auto answer = promise.get_future();
      gated->execute(statement(idempotent),
                     [&](Result<cassandra::Rows> rows) { promise.set_value(std::move(rows)); });
      gate.break_all();  // sent, and not answered
      auto outcome = answer.get();
      gate.open();
      ASSERT_FALSE(outcome);
      lost = std::unexpected(std::move(outcome.error()));
    }
    EXPECT_EQ(lost.error().code, Code::timed_out) << lost.error().message;
    EXPECT_THAT(errors_until_well(),
                testing::Each(testing::AnyOf(Code::timed_out, Code::unavailable)));
  }
}

TEST_F(CassandraFaults, ClosingAnswersWhatIsInFlight) {
  gate.shut();
  constexpr int kRequests = 1000;
  std::atomic<int> timed_out = 0;
  for (int i = 0; i < kRequests; ++i)
    gated->execute(statement(), [&](Result<cassandra::Rows> rows) {
      if (!rows && rows.error().code == Code::timed_out) ++timed_out;
    });
  gated.reset();
  EXPECT_EQ(timed_out, kRequests);
}

}  // namespace
}  // namespace parley::test
