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

}  // namespace
}  // namespace parley
