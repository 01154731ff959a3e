#pragma once
// What loads both sides of the comparison: the stream between processes, and a call for each
// message.
#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace parley::bench {
using Steady = std::chrono::steady_clock;

/// User and system time of a process (0: this one), all threads, in seconds.
inline double cpu_seconds(pid_t pid) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  timespec time{};
  if ((pid != 0 && ::clock_getcpuclockid(pid, &clock) != 0) || ::clock_gettime(clock, &time) != 0)
    std::perror("CPU time of a process"), std::exit(1);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct DriveSettings {
  double rate = 0;       // messages a second; 0: one after the other
  double seconds = 0;    // that are measured, after one that is not
  double turn_us = 250;  // what became due is sent so often, as a gateway reads its sockets
  pid_t owner = 0;       // whose CPU counts as well; 0: nobody's
};

/// Sends messages at a rate, evenly spaced, or the next when the last is answered; then says what
/// they took. Latency counts from the intended time.
class Drive {
 public:
  /// Sends the messages of these numbers; on the loop.
  using Send = std::function<void(std::uint64_t first, std::uint64_t end)>;
  Drive(boost::asio::io_context& loop, DriveSettings settings, Send send,
        std::function<void()> done)
      : loop_(loop),
        timer_(loop),
        settings_(settings),
        send_(std::move(send)),
        done_(std::move(done)),
        spacing_(settings.rate > 0 ? 1e9 / settings.rate : 0),
        first_(settings.rate > 0 ? static_cast<std::uint64_t>(settings.rate) : kLone / 10),
        count_(settings.rate > 0
                   ? first_ + static_cast<std::uint64_t>(settings.rate * settings.seconds)
                   : first_ + kLone),
        latency_(count_),
        sent_at_(settings.rate > 0 ? 0 : count_) {}

  /// On the loop.
  void start() {
    start_ = Steady::now();
    settings_.rate > 0 ? turn() : one();
  }
  /// Any thread, once for each message.
  void answered(std::uint64_t number, bool ok) {
    const auto now = Steady::now();
    latency_[number] = std::chrono::duration<double, std::micro>(now - intended(number)).count();
    if (!ok) ++failed_;
    if (settings_.rate == 0 && number + 1 < count_) boost::asio::post(loop_, [this] { one(); });
    if (++answered_ < count_) return;
    cpu_ = all_cpu() - cpu_;
    seconds_ = std::chrono::duration<double>(now - measured_from_).count();
    done_();
  }
  /// One line of JSON.
  std::string report() {
    std::vector<double> all(latency_.begin() + static_cast<std::ptrdiff_t>(first_), latency_.end());
    std::ranges::sort(all);
    const auto at = [&](double share) {
      return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
    };
    const auto measured = static_cast<double>(all.size());
    char line[256];
    std::snprintf(
        line, sizeof line,
        R"({"messages":%zu,"per_second":%.0f,"failed":%zu,"cpu_us":%.3f,"p50_us":%.1f,"p99_us":%.1f})",
        all.size(), measured / seconds_, failed_.load(), 1e6 * cpu_ / measured, at(0.5), at(0.99));
    return line;
  }

 private:
  static constexpr std::uint64_t kLone = 3'000;

  double all_cpu() const {
    return cpu_seconds(0) + (settings_.owner != 0 ? cpu_seconds(settings_.owner) : 0);
  }
  Steady::time_point intended(std::uint64_t number) const {
    if (settings_.rate == 0) return sent_at_[number];
    return start_ + std::chrono::nanoseconds(
                        static_cast<std::int64_t>(spacing_ * static_cast<double>(number)));
  }
  void begin_to_measure(std::uint64_t up_to) {
    if (measured_from_ != Steady::time_point() || up_to < first_) return;
    measured_from_ = Steady::now();
    cpu_ = all_cpu();
  }
  void one() {
    begin_to_measure(next_);
    sent_at_[next_] = Steady::now();
    const auto number = next_++;
    send_(number, number + 1);
  }
  void turn() {
    const std::chrono::duration<double, std::nano> passed = Steady::now() - start_;
    const auto due = std::min(count_, static_cast<std::uint64_t>(passed.count() / spacing_) + 1);
    if (due > next_) {
      begin_to_measure(next_);
      const auto from = std::exchange(next_, due);
      send_(from, due);
    }
    if (next_ == count_) return;
    const std::chrono::nanoseconds pause(static_cast<std::int64_t>(settings_.turn_us * 1e3));
    wake_ = std::max(wake_ + pause, Steady::now());
    timer_.expires_at(wake_);
    timer_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) turn();
    });
  }

  boost::asio::io_context& loop_;
  boost::asio::steady_timer timer_;
  const DriveSettings settings_;
  const Send send_;
  const std::function<void()> done_;
  const double spacing_;               // nanoseconds
  const std::uint64_t first_, count_;  // those before the first are not measured
  std::vector<double> latency_;        // by number, in microseconds
  std::vector<Steady::time_point> sent_at_;
  Steady::time_point start_, measured_from_, wake_ = Steady::now();
  std::uint64_t next_ = 0;
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::size_t> failed_{0};
  double cpu_ = 0, seconds_ = 0;
};

}  // namespace parley::bench
