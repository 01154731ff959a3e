#pragma once
#include "api/message.h"
#include "ports/groups.h"
#include "services/group/pauses.h"

namespace parley::group {

/// Brings a committed change from the outbox to the group's conversation. Twice is harmless: the
/// conversation's owner knows the version. One loop.
class Appender {
 public:
  Appender(GroupStore& store, MessageApi& messages, Loops& loops, Pauses& pauses,
           const Settings& settings)
      : store_(store), messages_(messages), loops_(loops), pauses_(pauses), settings_(settings) {}

  /// Success: the change is an entry, and out of the outbox. What can be retried is, until it has
  /// paused for `patience`, or the service closes.
  Awaitable<Result<void>> append(GroupOutboxRow row, std::chrono::milliseconds patience);

 private:
  Awaitable<Result<void>> once(const GroupOutboxRow& row);

  GroupStore& store_;
  MessageApi& messages_;
  Loops& loops_;
  Pauses& pauses_;
  const Settings& settings_;
};

}  // namespace parley::group
