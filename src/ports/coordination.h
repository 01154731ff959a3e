#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/lease.h"
#include "base/result.h"
#include "ports/membership.h"
#include "ports/shard_leases.h"

namespace parley {

/// One of the 1,024 node numbers of Snowflakes, this process's own while its lease holds.
struct NodeNumber {
  std::uint32_t number;
  std::shared_ptr<const Lease> lease;  // ids may be issued only while it certainly holds
};

inline constexpr std::uint32_t kNodeNumbers = 1024;

/// Node numbers, each held by one session at a time: no two live processes issue ids of one number.
/// A process may hold several (one for each event loop). Blocking; any thread but a callback's.
class NodeNumbers {
 public:
  virtual ~NodeNumbers() = default;
  /// The wanted number, or any free one. `already_exists`: another process holds the wanted one;
  /// retry_after_ms says when to ask again in case it is dead. `busy`: none is free. `unavailable`:
  /// call again; a number that was taken without the caller's knowing is free again when the
  /// session ends.
  virtual Result<NodeNumber> claim(std::optional<std::uint32_t> wanted) = 0;
  /// Free for others at once: the caller has stopped issuing its ids.
  virtual Result<void> release(std::uint32_t number) = 0;
};

/// What becomes of the session under which a process holds shards and node numbers.
enum class SessionEvent : std::uint8_t {
  opened,   // there is a session, and its lease holds: acquire and claim
  lapsed,   // not renewed in time: the lease does not certainly hold, and others may soon have all
  renewed,  // after `lapsed`: renewed after all, nobody had taken anything, the lease holds again
  lost,     // over for good, with all that it held; the adapter is making a new one
};

/// A process's place among others: its session with the coordinator, and what hangs on it. Any
/// thread but a callback's. Closing it (its destructor) ends the session at once; what it held and
/// did not release is free for others a lease's length later.
///
/// `lapsed` and `lost` are told on a thread of their own (not the watches') without delay: `lapsed`
/// at the instant at which the lease ends, which is before anybody else can get what it covered;
/// only a process that is stopped hears it late, which is why grants carry their lease.
class Coordination {
 public:
  using Listener = std::function<void(SessionEvent event)>;

  virtual ~Coordination() = default;
  virtual Membership& membership() = 0;
  virtual ShardLeases& shards() = 0;
  virtual NodeNumbers& node_numbers() = 0;
  /// Calls back at each event from now on, and at once (from within the call) with `opened` if
  /// there is a session that holds. Must return soon and must not call a port. Ends with the
  /// adapter.
  virtual void listen(Listener listener) = 0;
  /// The coordinator's wall clock. `unavailable`.
  virtual Result<TimeMs> now() = 0;
};

/// By how much `clock.wall` is ahead of the coordinator's (negative: behind), as far as it is
/// certain: 0 if the coordinator's time lies between the clock's readings before and after the
/// question.
inline Result<std::chrono::milliseconds> clock_ahead(Coordination& coordination,
                                                     const Clock& clock) {
  const auto before = clock.wall().value;
  PARLEY_TRY(theirs, coordination.now());
  const auto after = clock.wall().value;
  if (before > theirs.value) return std::chrono::milliseconds(before - theirs.value);
  if (after < theirs.value) return std::chrono::milliseconds(after - theirs.value);
  return std::chrono::milliseconds(0);
}

}  // namespace parley
