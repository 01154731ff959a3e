#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "adapters/shared/slots/slots.h"
#include "ports/coordination.h"

namespace parley::coordination {

/// What the processes of one test, or the parts of one process, share. Any thread.
class MemoryCoordinator {
 public:
  struct Settings {
    std::chrono::milliseconds session_timeout{6000};
    slots::LeaseTimes times{std::chrono::milliseconds(2000)};
    const Clock* clock = nullptr;  // none: leases never lapse; else `turn` is to be called
    std::uint64_t generations_above = 0;
  };

  MemoryCoordinator() : MemoryCoordinator(Settings()) {}
  explicit MemoryCoordinator(Settings settings);
  ~MemoryCoordinator();
  MemoryCoordinator(const MemoryCoordinator&) = delete;

  /// Does what is due by the clock (renewals, lapses, losses, new sessions), then calls back.
  void turn();

 private:
  friend class MemoryCoordination;

  struct Listed {
    Member member;
    std::string session;
  };
  struct Watch {
    std::string kind;  // of members; empty: of shards
    Membership::Changed members;
    ShardLeases::Changed owners;
    std::optional<std::vector<Member>> told_members;
    std::optional<ShardOwners> told_owners;
  };
  /// One process's place. `lease` is null between sessions.
  struct Place {
    std::string process;
    bool stalled = false;
    std::string session;
    std::shared_ptr<Lease> lease;
    bool lapsed = false;
    Clock::Mono renewed{};
    std::vector<Member> own;  // listed again in each session
    std::vector<std::shared_ptr<Watch>> watches;
    std::vector<Coordination::Listener> listeners;
    std::vector<SessionEvent> untold;
  };

  Clock::Mono mono() const { return clock_.mono(); }
  void open_session(Place& place);
  void end_session(const std::string& session);  // what the coordinator forgets with it
  void go_on(Place& place);                      // by the clock
  void see_live();
  void changed();  // something to call back about
  std::vector<std::function<void()>> due_calls();
  std::vector<Member> list(std::string_view kind) const;
  Result<void> put(Place& place, const Member& member);

  const Settings settings_;
  BootClock boot_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Listed> members_;
  slots::Slots shards_;
  slots::Slots nodes_;
  std::map<std::string, Clock::Mono> sessions_;  // live ones, with when each was last renewed
  std::vector<Place*> places_;
  std::uint64_t last_session_ = 0;

  std::mutex calling_;  // callbacks run one at a time
  std::condition_variable wake_;
  bool untold_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::coordination
