#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley {

/// A process that others may need, as one of a kind ("gateway", "message", "auth", ...).
struct Member {
  std::string kind;        // a-z, 0-9 and -
  std::string id;          // unique among those of its kind that live; likewise, and _ and .
  std::string address;     // host:port where its peers reach it
  std::string attributes;  // bytes that only those who deal with the kind understand; up to 4 KiB

  bool operator==(const Member&) const = default;
};

/// Who is there. Blocking; any thread but the callback's. A member is listed from `join` on until
/// it leaves or its session is lost; after a loss the adapter lists it again in its next session by
/// itself, and goes on trying while another has taken its id. So a process that has vanished is
/// listed for up to the session time-out, and a living one may be missing for a moment: a list says
/// whom to ask, never who owns what. Nothing outlives the process. `unavailable`: try again.
class Membership {
 public:
  using Changed = std::function<void(const std::vector<Member>& members)>;

  virtual ~Membership() = default;
  /// Lists the member; one that this process has listed already gets the new address and
  /// attributes. `already_exists`: another live process has the id; retry_after_ms says how long it
  /// would stay listed if that process is in fact dead (a restart finds its own predecessor).
  virtual Result<void> join(const Member& member) = 0;
  /// Not listed any more. One that is not listed: no error.
  virtual Result<void> leave(std::string_view kind, std::string_view id) = 0;
  virtual Result<std::vector<Member>> members(std::string_view kind) = 0;  // by rising id
  /// Calls back with the whole list, soon after this call and after each change; changes that
  /// follow each other quickly make one call. While the coordinator cannot be reached the last list
  /// stands. On the adapter's own thread for watches, one call at a time: it must return soon, and
  /// must not call a port of the same adapter. Ends with the adapter.
  virtual void watch(std::string_view kind, Changed changed) = 0;
};

}  // namespace parley
