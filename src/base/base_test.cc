#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/gate.h"
#include "base/ids.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "base/result.h"

namespace parley {
namespace {

Result<int> half(int n) {
  if (n % 2) return fail(Code::invalid_argument, "n is odd: give an even one", "n");
  return n / 2;
}
Result<int> quarter(int n) {
  PARLEY_TRY(once, half(n));
  PARLEY_TRY(twice, half(once));
  return twice;
}

TEST(Result, PropagatesTheFirstError) {
  EXPECT_EQ(quarter(8), 2);
  auto failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::invalid_argument);
  EXPECT_EQ(failed.error().field, "n");
}

TEST(Codes, TableSaysWhatIsRetryable) {
  EXPECT_TRUE(describe(Code::storage_full).retryable);
  EXPECT_FALSE(describe(Code::conflict).retryable);
  for (const auto& row : kCloseRows) {
    if (row.number >= 4000) {
      EXPECT_EQ(row.retryable, row.number < 4500) << row.name;
    }
  }
}

TEST(SharedBytes, SharesOneBlock) {
  SharedBytes a("head", "payload");
  SharedBytes b;
  b = a;
  EXPECT_EQ(b.view(), "headpayload");
  EXPECT_EQ(a.view().data(), b.view().data());
}

TEST(Gate, DrainsWhenTheLastHasEnded) {
  boost::asio::io_context io;
  Gate gate(io.get_executor(), "test");
  bool drained = false;
  gate.spawn([&]() -> boost::asio::awaitable<void> {
    boost::asio::steady_timer timer(io, std::chrono::milliseconds(5));
    co_await timer.async_wait(boost::asio::use_awaitable);
    EXPECT_FALSE(drained);
  });
  gate.close([&] { drained = true; });
  gate.spawn([&]() -> boost::asio::awaitable<void> {
    ADD_FAILURE() << "let in after close";
    co_return;
  });
  io.run();
  EXPECT_TRUE(drained);
}

TEST(Loops, RunsBlockingWorkOffTheLoop) {
  Loops loops(1, 1);
  std::promise<bool> off_loop;
  boost::asio::co_spawn(
      loops.at(0),
      [&]() -> boost::asio::awaitable<void> {
        auto here = std::this_thread::get_id();
        auto there = co_await run_blocking(loops.pool(), [] { return std::this_thread::get_id(); });
        off_loop.set_value(here != there && here == std::this_thread::get_id());
      },
      [](std::exception_ptr) {});
  loops.start();
  EXPECT_TRUE(off_loop.get_future().get());
  loops.stop();
}

TEST(Metrics, PrintsPrometheusText) {
  Metrics metrics;
  metrics.counter("parley_sent_total", "sent").add(3);
  EXPECT_NE(metrics.text().find("parley_sent_total 3"), std::string::npos);
}

TEST(Metrics, TheSameNameIsOneFamilyWithARowForEachOfItsLabels) {
  Metrics metrics;
  metrics.counter("refused_total", "refused", {{"code", "busy"}}).add(2);
  metrics.counter("refused_total", "refused", {{"code", "storage_full"}}).add();
  metrics.counter("refused_total", "refused", {{"code", "busy"}}).add();
  metrics.gauge_of("lag", "records", [] { return 2.5; });
  EXPECT_EQ(metrics.text(),
            "# HELP lag records\n# TYPE lag gauge\nlag 2.5\n"
            "# HELP refused_total refused\n# TYPE refused_total counter\n"
            "refused_total{code=\"busy\"} 3\nrefused_total{code=\"storage_full\"} 1\n");
}

TEST(Metrics, WhoeverIsAskedForAGaugeMayMakeOne) {
  Metrics metrics;
  metrics.gauge_of("a", "", [&] { return static_cast<double>(metrics.gauge("b", "").value()); });
  EXPECT_NE(metrics.text().find("a 0"), std::string::npos);
}

TEST(Histogram, CountsByBoundInclusiveAndSumsSeconds) {
  using namespace std::chrono_literals;
  Metrics metrics;
  auto& histogram = metrics.histogram("took_seconds", "a commit");
  histogram.observe(1ms);     // the bound itself belongs to it
  histogram.observe(3ms, 2);  // 2.5 ms < 3 ms <= 5 ms
  histogram.observe(60s);     // above all
  const auto text = metrics.text();
  for (const char* line :
       {"took_seconds_bucket{le=\"0.0005\"} 0\n", "took_seconds_bucket{le=\"0.001\"} 1\n",
        "took_seconds_bucket{le=\"0.0025\"} 1\n", "took_seconds_bucket{le=\"0.005\"} 3\n",
        "took_seconds_bucket{le=\"10\"} 3\n", "took_seconds_bucket{le=\"+Inf\"} 4\n",
        "took_seconds_count 4\n", "took_seconds_sum 60.007"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
}

TEST(Stopwatch, MeasuresItsBlock) {
  Histogram histogram;
  {
    const Stopwatch watch(&histogram);
  }
  {
    const Stopwatch nothing(nullptr);
  }
  std::int64_t all = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) all += histogram.count(i);
  EXPECT_EQ(all, 1);
}

}  // namespace
}  // namespace parley
