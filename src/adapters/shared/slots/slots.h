#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ports/shard_leases.h"

namespace parley::slots {

using Mono = Clock::Mono;

/// How long a lease lasts from the moment at which its renewal was sent, on the holder's clock; and
/// how long who saw the holder gone waits, on its own. The wait is the longer one by a fiftieth:
/// two clocks that each run up to 1 % too fast or too slow keep the order.
struct LeaseTimes {
  std::chrono::milliseconds lease;
  Mono wait() const { return Mono(lease) + Mono(lease) / 50; }
};

struct Slot {
  std::uint64_t generation = 0;  // the last one given
  std::string session;           // of the holder; empty: nobody
  std::string process;           // the holder, as people know it

  bool operator==(const Slot&) const = default;
};

/// The table as it was last read, and since when its holders are known to be gone. One thread.
class Slots {
 public:
  /// Generations start above `generations_above`.
  Slots(std::size_t count, LeaseTimes times, std::uint64_t generations_above = 0)
      : wait_(times.wait()), slots_(count, Slot{generations_above, {}, {}}) {}

  /// Replaces the table by one that `text` gave. `damaged`.
  Result<void> assign(std::string_view text);
  std::string text() const;

  /// `live` are the sessions that there are, read *after* the table: a holder that is not among
  /// them is gone, and no renewal of its lease was sent after `now`.
  void see(std::span<const std::string> live, Mono now);

  struct Taken {
    std::uint32_t slot;
    Generation generation;
  };
  /// Gives those of `wanted` that are free at `now`, or the session's own, to it.
  std::vector<Taken> take(std::span<const std::uint32_t> wanted, const std::string& session,
                          const std::string& process, Mono now);
  /// The wanted one, or the first that is free and not the session's already. `already_exists`: it
  /// is another's (retry_after_ms: until it were free if that one were dead, of which a session's
  /// loss takes up to `session_timeout`), or the session's own, claimed before; `busy`: none is
  /// free.
  Result<std::uint32_t> take_one(std::optional<std::uint32_t> wanted, const std::string& session,
                                 const std::string& process, Mono now,
                                 std::chrono::milliseconds session_timeout);
  /// Frees those of `slots` that the session holds; false if there are none.
  bool give(std::span<const std::uint32_t> slots, std::string_view session);

  bool free(std::uint32_t slot, Mono now) const;
  std::size_t size() const { return slots_.size(); }
  const Slot& at(std::uint32_t slot) const { return slots_[slot]; }
  std::vector<ShardOwner> owners(Mono now) const;

 private:
  /// When a slot becomes free: absent while its holder lives.
  std::optional<Mono> free_at(const Slot& slot) const;

  Mono wait_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, Mono> gone_;  // holders' sessions, with when that was noticed
};

/// Whether two lists differ in more than how far `free_in` has run.
bool same_owners(const std::vector<ShardOwner>& a, const std::vector<ShardOwner>& b);

}  // namespace parley::slots
