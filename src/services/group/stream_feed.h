#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "api/feed.h"
#include "base/loops.h"
#include "ports/stream.h"

namespace parley::group {

struct StreamFeedSettings {
  std::size_t unpassed = 10'000;                 // records kept until they are passed
  std::chrono::milliseconds stay_every{20'000};  // see `StreamFeed`
};

/// The cluster's feed for this process's one consumer: the group entries of the lanes that are its
/// own. Positions count the records that this object has read, from 1, so they mean nothing to
/// another one; whoever begins starts where the stream was last passed.
///
/// What is read is kept until it is passed, so a page can be read again. Where `unpassed` are kept
/// nothing more is read, but a record each `stay_every`: who reads nothing for a minute loses its
/// lanes. Direct entries are passed over, and so is what `decode` finds to be no entry (null),
/// which is logged: it would block its lane for ever.
///
/// Lanes that go to another need no care here. Records are passed by rising position, so a place is
/// passed only when all of its lane from where this consumer began has had its effect, before and
/// after it had the lane; and a place of a lane that is not its own is ignored by the consumer.
/// What was read of such a lane is still handed out, and by the other as well.
///
/// Any loop. `stream` outlives this, `close` comes before the end of the loops.
class StreamFeed final : public FeedApi {
 public:
  using Decode = std::function<EntryPtr(std::string_view key, std::string_view value)>;

  StreamFeed(Loops& loops, StreamConsumer& stream, Decode decode, StreamFeedSettings settings = {})
      : loops_(loops), stream_(stream), decode_(std::move(decode)), settings_(settings) {}

  /// That up to which all is passed: 0 at first.
  Awaitable<Result<std::uint64_t>> position(std::string consumer) override;
  /// Blocks a thread of the pool meanwhile. `limit` counts direct entries too, so a page may be
  /// empty and yet go on. `unavailable`: closed, or as the stream says.
  Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                    std::chrono::milliseconds patience) override;
  void passed(std::string consumer, std::uint64_t position) override;

  /// Records that were read and not passed yet. Any thread.
  std::size_t unpassed() const {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }

  /// Readers get `unavailable` from now on; who waits for the stream, after its patience. Any
  /// thread.
  void close();

 private:
  struct Kept {
    StreamPlace place;
    EntryPtr entry;  // null: passed over
  };

  Result<FeedItems> look(std::uint64_t after, std::size_t limit,
                         std::chrono::milliseconds patience);
  Result<void> read_on(std::size_t limit, std::chrono::milliseconds patience);
  EntryPtr entry_of(const StreamRecord& record) const;
  std::uint64_t last() const { return passed_ + kept_.size(); }

  Loops& loops_;
  StreamConsumer& stream_;
  const Decode decode_;
  const StreamFeedSettings settings_;

  std::mutex reading_;  // the stream is read by one thread at a time; taken before the other
  std::chrono::steady_clock::time_point was_read_{};  // under it

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  std::uint64_t passed_ = 0;
  std::deque<Kept> kept_;  // those after `passed_`, densely
};

}  // namespace parley::group
