#include "services/message/feed_reader.h"

#include <boost/asio.hpp>

#include "base/check.h"

namespace parley::message {
namespace asio = boost::asio;

Awaitable<Result<std::uint64_t>> FeedReader::position(std::string consumer) {
  co_return co_await run_blocking(loops_.pool(),
                                  [this, consumer] { return feed_.position(consumer); });
}

Result<FeedItems> FeedReader::look(std::uint64_t after, std::size_t limit) const {
  FeedItems out;
  PARLEY_TRY(page, feed_.feed(after, limit, Feed::Of::groups));
  out.next = page.next;
  for (const auto& row : page.entries) {
    PARLEY_TRY(entries, store_.read(row.conversation, row.seq, row.seq, 1, false));
    if (entries.empty())
      return fail(Code::damaged, "an entry of the feed is missing from the store");
    out.items.push_back({row.position, std::move(entries.front())});
  }
  return out;
}

Awaitable<Result<FeedItems>> FeedReader::read(std::uint64_t after, std::size_t limit,
                                              std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (closed_) co_return fail_for(Code::unavailable, "the server is stopping", 1'000);
    const auto seen = stored_.load();
    if (limit == 0 || stored_position_ > after) {
      PARLEY_CO_TRY(page, co_await run_blocking(
                              loops_.pool(), [this, after, limit] { return look(after, limit); }));
      if (!page.items.empty() || limit == 0) co_return std::move(page);
      after = page.next;
    }
    if (std::chrono::steady_clock::now() >= until) co_return FeedItems{{}, after};
    co_await wait(seen, until);
  }
}

Awaitable<void> FeedReader::wait(std::uint64_t seen, std::chrono::steady_clock::time_point until) {
  const auto loop = loops_.current();
  PARLEY_CHECK(loop < loops_.size(), "the feed is read on a loop");
  asio::steady_timer timer(loops_.at(loop), until);
  std::list<Waiter>::iterator place;
  {
    const std::lock_guard lock(mutex_);
    if (stored_ != seen || closed_) co_return;
    place = waiters_.insert(waiters_.end(), {timer, loop});
  }
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const std::lock_guard lock(mutex_);
  waiters_.erase(place);
}

void FeedReader::wake_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& waiter : waiters_)
    asio::post(loops_.at(waiter.loop), [this, timer = &waiter.timer] {
      // It may have ended meanwhile.
      const std::lock_guard again(mutex_);
      for (const auto& still : waiters_)
        if (&still.timer == timer) still.timer.cancel();
    });
}

void FeedReader::wake() {
  ++stored_;
  wake_all();
}

void FeedReader::close() {
  closed_ = true;
  wake_all();
}

}  // namespace parley::message
