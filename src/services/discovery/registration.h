#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "ports/membership.h"
#include "services/discovery/ranking.h"

namespace parley::discovery {

/// Keeps a gateway listed among all, with what it says of itself. Looks every `look_every`, and
/// says it anew when its state is another, or its load by `kEnough` of its capacity: each change is
/// news to every other gateway. A thread of its own, which goes on trying whatever fails.
class Registration {
 public:
  static constexpr double kEnough = 0.02;

  struct Settings {
    std::string id;       // of the member
    std::string address;  // of the member
    GatewayRow row;       // what does not change; with the first load and state
    std::chrono::milliseconds look_every{3'000};
  };
  struct Now {
    std::uint64_t load = 0;
    bool ready = true;
  };

  /// `membership` and what `now` uses outlive this. `now`: callable on its thread.
  Registration(Membership& membership, Settings settings, std::function<Now()> now);
  /// Ends the thread; the member stays listed as it is until its session ends.
  ~Registration();
  Registration(const Registration&) = delete;

  /// From now on it is listed as draining, for good; true when it is, which is waited for. False:
  /// not within `patience`.
  bool drain(std::chrono::milliseconds patience);

 private:
  void run();
  bool is_news(const GatewayRow& row) const;

  Membership& membership_;
  const Settings settings_;
  const std::function<Now()> now_;
  std::optional<GatewayRow> listed_;  // the thread's: what was said last
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool draining_ = false;
  bool listed_draining_ = false;
  std::thread thread_;
};

}  // namespace parley::discovery
