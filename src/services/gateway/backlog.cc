#include "services/gateway/backlog.h"

#include <boost/asio.hpp>

namespace parley::gateway {
namespace {

constexpr std::size_t kPage = 50;   // entries held at once
constexpr std::size_t kAtOnce = 8;  // conversations before the loop turns to others

/// How many of the newest entries of each change are replayed.
std::vector<std::uint64_t> share_out(const std::vector<Change>& changes, const Limits& limits) {
  std::vector<std::uint64_t> shares(changes.size());
  std::uint64_t left = limits.backlog_entries;
  for (std::size_t i = changes.size(); i-- > 0;) {
    const auto& [view, from] = changes[i];
    if (from > view.head.seq) continue;
    const std::uint64_t news = view.head.seq.value - from.value + 1;
    shares[i] = std::min({news, left, std::uint64_t{limits.backlog_per_conversation}});
    left -= shares[i];
  }
  return shares;
}

}  // namespace

Awaitable<Result<BacklogEnd>> read_backlog(MessageApi& messages, UserId user, Cursor since,
                                           const Limits& limits, BacklogSink& sink) {
  PARLEY_CO_TRY(found, co_await messages.changes(user, since));
  BacklogEnd end{found.cursor};
  const auto shares = share_out(found.changes, limits);
  for (std::size_t i = 0; i < found.changes.size() && end.complete; ++i) {
    // What lies in memory is read without a pause, and there may be much of it.
    if (i % kAtOnce == kAtOnce - 1)
      co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                 boost::asio::use_awaitable);
    const auto where = found.changes[i].view.conversation;
    const auto head = found.changes[i].view.head.seq;
    const auto from = found.changes[i].from;
    Seq next(head.value - shares[i] + 1);
    std::optional<MissedStretch> gap;
    if (from < next) gap = MissedStretch{from, Seq(next.value - 1)};
    if (from > head) gap.reset();
    end.complete = co_await sink.conversation(std::move(found.changes[i].view), gap);
    while (end.complete && next <= head) {
      const Seq last(std::min(head.value, next.value + kPage - 1));
      auto page = co_await messages.entries(user, where, next, last, kPage);
      if (!page && page.error().code == Code::not_found) break;  // no longer a member
      if (!page) co_return std::unexpected(std::move(page).error());
      end.entries += static_cast<std::uint32_t>(page->size());
      end.complete = co_await sink.entries(std::move(*page));
      next = Seq(last.value + 1);
    }
  }
  co_return end;
}

}  // namespace parley::gateway
