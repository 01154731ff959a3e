#pragma once
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <vector>

#include "api/notification.h"
#include "base/loops.h"
#include "ports/push.h"

namespace parley::notification {

struct NotificationSettings {
  std::size_t queue = 8'192;                   // pushes that wait or are being written
  std::size_t batch = 512;                     // pushes in one write, unless one call brought more
  std::chrono::milliseconds first_pause{100};  // before a retry; doubles up to the longest
  std::chrono::milliseconds longest_pause{5'000};
  std::chrono::milliseconds give_up_after{30'000};
};

/// See README.md. Any loop of `loops`. Destroyed after `loops` has stopped.
class NotificationService final : public NotificationApi {
 public:
  NotificationService(PushSink& sink, Loops& loops, NotificationSettings settings);

  void notify(std::vector<Push> pushes, std::move_only_function<void(Result<void>)> done) override;

  /// Pushes that wait, or are being written. Any thread.
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }

  /// Before the loops are stopped: ends retrying; what waits, and what comes, is `unavailable`. A
  /// write that has begun is still answered. Any thread.
  void stop();

 private:
  using Done = std::move_only_function<void(Result<void>)>;
  struct Waiting {
    std::vector<Push> pushes;
    Done done;
    std::size_t loop;
  };

  void answer(Waiting waiting, Result<void> result);
  void start_write();  // with the lock held, and something waiting
  void write();        // on the pool
  void finish(const Result<void>& result);
  void write_again_after_pause();
  bool stopped();

  PushSink& sink_;
  Loops& loops_;
  const NotificationSettings settings_;

  mutable std::mutex mutex_;
  bool stopped_ = false;
  bool writing_ = false;
  std::vector<Waiting> waiting_;
  std::size_t held_ = 0;  // pushes that wait or are being written

  // Of the batch that is being written; only its writer touches them.
  std::vector<Waiting> calls_;
  std::vector<Push> batch_;
  std::chrono::milliseconds pause_{}, paused_{};

  boost::asio::steady_timer timer_;  // of the first loop
};

}  // namespace parley::notification
