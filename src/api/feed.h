#pragma once
#include <chrono>

#include "api/message.h"

namespace parley {

struct FeedItem {
  std::uint64_t position = 0;
  EntryPtr entry;
};
struct FeedItems {
  std::vector<FeedItem> items;
  std::uint64_t next = 0;  // go on after this position
};

/// The stream of stored group entries in commit order, of the process that stores them. At least
/// once: a consumer begins again after the position that it last passed, so consuming twice must
/// change nothing. Must be called on a loop.
class FeedApi {
 public:
  virtual ~FeedApi() = default;
  /// Where the consumer stands; 0: it never passed anything.
  virtual Awaitable<Result<std::uint64_t>> position(std::string consumer) = 0;
  /// Group entries after a position, at most `limit`. Where there are none yet, waits until there
  /// are, at most `patience`; then the page is empty.
  virtual Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                            std::chrono::milliseconds patience) = 0;
  /// The consumer needs nothing up to this position any more. Durable a little later.
  virtual void passed(std::string consumer, std::uint64_t position) = 0;
};

}  // namespace parley
