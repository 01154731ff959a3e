#pragma once
#include "api/feed.h"
#include "rpc/link.h"
#include "rpc/router.h"

namespace parley::rpc {

/// FeedApi of another process: reads as calls, what was passed over the link. A position that is
/// lost on the way is of no harm: a later one says more, and consuming twice changes nothing.
class FeedClient final : public FeedApi {
 public:
  explicit FeedClient(Link& link) : link_(link) {}

  Awaitable<Result<std::uint64_t>> position(std::string consumer) override;
  Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                    std::chrono::milliseconds patience) override;
  void passed(std::string consumer, std::uint64_t position) override;

 private:
  Link& link_;
};

/// Answers for the feed of this process.
void serve(Router& router, FeedApi& feed);

}  // namespace parley::rpc
