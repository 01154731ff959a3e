#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <vector>

#include "ports/last_seen.h"

namespace parley::presence {

/// What memory knows of when users were last seen: those who wait to be written, and a bounded
/// cache of what is stored. One thread.
class LastSeenBook {
 public:
  LastSeenBook(std::size_t unwritten, std::size_t cached)
      : max_unwritten_(unwritten), max_cached_(cached) {}

  /// To be written.
  void seen(UserId user, TimeMs at);
  /// As it is stored; time 0: there is no row.
  void remember(UserId user, TimeMs at);
  std::optional<TimeMs> find(UserId user) const;

  /// What waits, for one `put`; afterwards `written`, or `not_written`, after which it waits again
  /// (false: there was too much, and it is dropped).
  std::vector<LastSeen> take();
  void written();
  bool not_written();

 private:
  using Times = boost::unordered_flat_map<UserId, TimeMs, std::hash<UserId>>;
  static void merge(Times& times, UserId user, TimeMs at);

  const std::size_t max_unwritten_, max_cached_;
  Times unwritten_, writing_;
  // The cache: when the younger half is full, it becomes the older one, which is forgotten.
  Times young_, old_;
};

}  // namespace parley::presence
