#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <parley/v1/frames.pb.h>
#include <vector>

namespace parley::client {

using Time = std::chrono::steady_clock::time_point;

/// A stretch of a conversation, both ends included.
struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool operator==(const Range&) const = default;
};

/// One conversation's log as a person is to see it: by rising `seq`, each entry once. Entries may
/// come twice and out of order; one that does not come within 300 ms of a later one is to be
/// fetched as history. Pure: time comes in.
class LogView {
 public:
  static constexpr std::chrono::milliseconds kGapPatience{300};

  /// `shown`: the last seq that the person has before them already.
  explicit LogView(std::uint64_t shown = 0) : shown_(shown), head_(shown) {}

  std::uint64_t shown() const { return shown_; }

  /// Takes an entry and returns what can be shown now.
  std::vector<v1::Entry> add(v1::Entry entry, Time now);
  /// The person may read nothing before `seq` (a group was joined by it): what is shown begins
  /// there.
  std::vector<v1::Entry> begin_at(std::uint64_t seq, Time now);
  /// The conversation is known to reach up to `seq`.
  void note_head(std::uint64_t seq, Time now);

  /// When a fetch is due: never while one is under way.
  Time fetch_at() const;
  /// Starts a fetch of what lies after `shown()`.
  void fetch_started() { fetching_ = true; }
  struct Fetched {
    std::vector<v1::Entry> entries;
    std::optional<Range> skipped;  // what the server does not have for us
  };
  /// Its answer: a page of history after `shown()`. What it leaves out does not exist for us and is
  /// skipped.
  Fetched fetched(const v1::History& page, Time now);
  /// It failed, or the connection broke: try again from `retry` on.
  void fetch_failed(Time retry);

 private:
  void put(v1::Entry entry);
  std::vector<v1::Entry> drain(Time now);

  std::uint64_t shown_;
  std::uint64_t head_;                        // the highest seq heard of
  std::map<std::uint64_t, v1::Entry> early_;  // above shown_ + 1
  std::optional<Time> gap_since_;             // engaged while head_ > shown_
  bool fetching_ = false;
};

}  // namespace parley::client
