#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/coordination/zookeeper/handle.h"
#include "adapters/shared/slots/slots.h"
#include "ports/coordination.h"

namespace parley::coordination {

/// The present session, and the lease that its renewals carry: a thread that makes sessions, renews
/// them, and tells what becomes of them. README.md argues why the lease may be relied on.
class Session {
 public:
  struct Settings {
    std::string addresses;
    std::string prefix;   // "/parley": everything is kept below it
    std::string process;  // the id under which people know this process
    std::chrono::milliseconds session_timeout;
    slots::LeaseTimes times;
    std::vector<std::string> folders;  // nodes below the prefix that must be there
  };
  /// A session that is open, as its users hold it for the time of one call.
  struct Present {
    std::shared_ptr<Handle> handle;
    std::shared_ptr<const Lease> lease;
    std::string id;       // its name among `sessions`, hexadecimal
    std::int64_t number;  // the same, as ephemeral nodes name their owner
  };

  /// `changed` is called with the path of each watch that fires, on the library's thread.
  Session(Settings settings, std::function<void(std::string)> changed);
  ~Session();
  Session(const Session&) = delete;

  void start();
  /// Ends the session and joins. Nobody may be told anything afterwards.
  void stop();

  void listen(Coordination::Listener listener);
  /// `unavailable`, with since when, if there is none at the moment.
  Result<Present> present() const;
  /// Waits for one; false if there was none within `limit`.
  bool wait_open(std::chrono::milliseconds limit) const;

  /// Runs `operation` (given a Present, answering a Zk) until its answer is another than `lost`,
  /// for up to the session's time-out; then, or if there is no session, `unavailable`.
  template <class F>
  Result<Zk> run(std::string_view what, F operation) const {
    const auto end = clock_.mono() + settings_.session_timeout;
    for (;;) {
      PARLEY_TRY(session, present());
      const Zk result = operation(session);
      if (result == Zk::expired || result == Zk::other ||
          (result == Zk::lost && clock_.mono() > end))
        return std::unexpected(zk_error(result, what));
      if (result != Zk::lost) return result;
      std::this_thread::sleep_for(kPause);
    }
  }

  std::string path(std::string_view below) const { return settings_.prefix + std::string(below); }
  const Settings& settings() const { return settings_; }
  const Clock& clock() const { return clock_; }
  static std::string id_of(std::int64_t number) {
    return fmt::format("{:x}", static_cast<std::uint64_t>(number));
  }

 private:
  static constexpr std::chrono::milliseconds kPause{20};  // before what failed is tried again
  static constexpr std::chrono::milliseconds kLongPause{1'000};  // before names are resolved again

  void run_thread();
  bool open();   // one attempt; true: there is a session
  void serve();  // until it is lost, or the end
  void close();
  bool make_nodes(Handle& handle, const std::string& own);
  void send_renewal();
  void tell(SessionEvent event);

  const Settings settings_;
  const std::function<void(std::string)> changed_;
  const BootClock clock_;

  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  std::optional<Present> present_;
  bool connected_ = false;  // of the handle that is being opened
  bool gone_ = false;       // the handle's session is over
  bool in_flight_ = false;  // a renewal is
  bool stopping_ = false;
  Clock::Mono since_;  // when there was last a session, or the start

  std::shared_ptr<Handle> handle_;  // the thread's
  std::shared_ptr<Lease> lease_;    // likewise
  std::string no_handle_;           // likewise: why there is none

  std::mutex telling_;
  std::vector<Coordination::Listener> listeners_;
  bool told_open_ = false;
  std::thread thread_;
};

}  // namespace parley::coordination
