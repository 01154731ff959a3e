#pragma once
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace parley {

struct LastSeen {
  UserId user;
  TimeMs at;

  bool operator==(const LastSeen&) const = default;
};

/// When users were last seen. Blocking; any thread. Best effort: after a crash the last batches
/// may be missing, so a time may be too early, but never too late.
class LastSeenStore {
 public:
  virtual ~LastSeenStore() = default;
  /// The later time of what is stored and what is given stays, so twice changes nothing. After an
  /// error none of the batch need be stored: it may be put again.
  virtual Result<void> put(const std::vector<LastSeen>& batch) = 0;
  /// One row for each user who was ever seen, in the order of `users`.
  virtual Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) = 0;
};

}  // namespace parley
