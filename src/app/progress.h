#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace parley::app {

/// Long work on the screen: what, how many of how many, how many a second, how long still. On a
/// terminal one line that changes; else a line a second.
class Progress {
 public:
  /// `done`: before this run. `total` 0: nobody knows.
  Progress(std::string what, std::uint64_t total, std::uint64_t done = 0);
  void at(std::uint64_t done);
  /// The last line, with what it came to.
  void end();

  std::uint64_t here() const { return done_ - before_; }  // of this run
  std::chrono::duration<double> took() const { return Clock::now() - begun_; }
  double rate() const;

 private:
  using Clock = std::chrono::steady_clock;
  void print(bool last);

  const std::string what_;
  const std::uint64_t total_, before_;
  const bool terminal_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point printed_ = begun_;
  std::uint64_t done_;
};

/// `1234567` as `1,234,567`.
std::string grouped(std::uint64_t number);

}  // namespace parley::app
