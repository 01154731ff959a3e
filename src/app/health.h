#pragma once
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>

#include "base/metrics.h"
#include "base/result.h"

namespace parley::app {

/// The servers that this process stands on, MySQL and the like: waits for them when it starts, asks
/// each every two seconds from then on, and knows which are missing, since when and why. Any
/// thread but a loop's.
class Health {
 public:
  /// What is wrong with the server, if anything. Blocks, for some seconds at most.
  using Ask = std::function<Result<void>()>;

  /// `starting`: whoever waits gives up when a stop is requested of it.
  Health(Metrics& metrics, std::stop_token starting)
      : metrics_(metrics), starting_(std::move(starting)) {}
  ~Health() { stop(); }
  Health(const Health&) = delete;

  /// What `open` comes to, which is called again, after growing pauses, while the server is not
  /// there (`unavailable`, `busy`, `timed_out`). `server`: "MySQL"; `where`: its address.
  template <class Open>
  std::invoke_result_t<Open&> wait_for(const std::string& server, const std::string& where,
                                       Open open) {
    auto& row = row_of(server, where);
    for (auto pause = kFirstPause;; pause = longer(pause)) {
      const auto asked = std::chrono::steady_clock::now();
      auto opened = open();
      if (!opened && !comes_back(opened.error().code)) return opened;
      tell(row, opened ? nullptr : &opened.error(), asked);
      if (opened) return opened;
      if (!rest(pause, starting_)) return opened;
    }
  }

  /// Asks from now on. Of several for one server the first counts.
  void watch(const std::string& server, const std::string& where, Ask ask);
  /// Asks no more. Blocks until the last answers are there.
  void stop();

  /// A line for each server that is not there; none: all are. Callable on loops, too.
  std::string missing() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kFirstPause{200}, kLongestPause{5'000}, kEvery{2'000};

  struct Missing {
    Time since;
    std::string why;  // empty: there was no answer yet
  };
  struct Row {
    std::string server, where;
    Metric& up;
    std::optional<Missing> missing;
    std::jthread thread;  // that asks
  };

  static std::chrono::milliseconds longer(std::chrono::milliseconds pause) {
    return std::min(2 * pause, kLongestPause);
  }
  static bool comes_back(Code code);
  /// False: a stop was requested.
  static bool rest(std::chrono::milliseconds pause, const std::stop_token& stop);
  Row& row_of(const std::string& server, const std::string& where);
  void tell(Row& row, const Error* error, Time asked);
  void ask_on(Row& row, const Ask& ask, const std::stop_token& stop);

  Metrics& metrics_;
  const std::stop_token starting_;
  mutable std::mutex mutex_;
  std::list<Row> rows_;
};

}  // namespace parley::app
