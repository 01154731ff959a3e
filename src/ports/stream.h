#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named.h"
#include "base/result.h"

namespace parley {

/// A part of a stream; records of one key are all in one lane, in order. An embedded feed has one
/// lane, Kafka's are its partitions.
using Lane = Named<struct LaneTag, std::uint32_t>;

/// Where a record is: offsets rise within a lane, not always by one.
struct StreamPlace {
  Lane lane;
  std::uint64_t offset = 0;

  bool operator==(const StreamPlace&) const = default;
};

struct StreamRecord {
  StreamPlace place;
  std::string key;
  std::string value;
};

/// Adds records to a stream. Any thread.
class StreamPublisher {
 public:
  /// Where the record is now, durably (at the required number of replicas). On the adapter's own
  /// thread, one call at a time, in the order of `publish` for records of one key; must return
  /// soon.
  using Done = std::function<void(Result<StreamPlace> place)>;

  virtual ~StreamPublisher() = default;  // waits a little for what was taken; then its `done` fails
  /// Takes the record and returns; retries of its own add it once. It waits for the stream to come
  /// back for as long as that takes, so `done` fails only at the end of the publisher or when the
  /// stream and the publisher no longer agree on what was added; then all that was taken fails, and
  /// may have been added all the same. Failure, and `done` is not called: `busy`, too many wait,
  /// try again; `too_large`; `unavailable`, the publisher is being mended, try again.
  virtual Result<void> publish(std::string_view key, std::string_view value, Done done) = 0;
  /// Taken and not yet answered.
  virtual std::size_t waiting() const = 0;
};

/// What a consumer is told about its lanes, on the thread that reads (or closes).
struct StreamLanes {
  std::function<void(std::vector<Lane> lanes)> gained = [](std::vector<Lane>) {};
  /// They go to another: finish what of them is in flight and say `passed`; that is committed when
  /// this returns. `too_late`: another may have them already; nothing that is passed now counts.
  std::function<void(std::vector<Lane> lanes, bool too_late)> revoked = [](std::vector<Lane>,
                                                                           bool) {};
};

struct LaneLag {
  Lane lane;
  std::uint64_t records;  // that were published and not yet passed
};

/// One of a group of consumers that share a stream's lanes; each lane is read by one of them at a
/// time. At least once: a lane is read again from the last committed position, so consuming twice
/// must change nothing; where a lane changes hands as planned (`revoked`, not `too_late`), nothing
/// is read twice.
class StreamConsumer {
 public:
  virtual ~StreamConsumer() = default;  // hands its lanes over (`revoked`) and leaves the group
  /// The next records, at most `limit`, in order within each lane; blocks for at most `patience`,
  /// then none. One thread at a time, and again within a minute, or the lanes go to others.
  /// `unavailable`: try again.
  virtual Result<std::vector<StreamRecord>> read(std::size_t limit,
                                                 std::chrono::milliseconds patience) = 0;
  /// All of the lane up to and including this place has had its effect. Any thread. Committed by a
  /// `read` some seconds later; a place of a lane that this consumer does not have is ignored.
  virtual void passed(StreamPlace place) = 0;
  /// Commits at once what was passed; durable on success. The thread that reads. `unavailable`.
  virtual Result<void> commit() = 0;
  /// Reads on from this place (backwards or forwards), as if everything before it were passed. The
  /// thread that reads. `not_found`: this consumer does not have the lane.
  virtual Result<void> seek(StreamPlace place) = 0;
  /// Of its own lanes, as known from what was last read. Any thread.
  virtual std::vector<LaneLag> lag() const = 0;
};

}  // namespace parley
