#include "services/group/stream_feed.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <map>

#include "base/log.h"

namespace parley::group {
namespace {
std::unexpected<Error> stopping() {
  return fail_for(Code::unavailable, "the server is stopping", 1'000);
}
}  // namespace

Awaitable<Result<std::uint64_t>> StreamFeed::position(std::string) {
  const std::lock_guard lock(mutex_);
  co_return passed_;
}

Awaitable<Result<FeedItems>> StreamFeed::read(std::uint64_t after, std::size_t limit,
                                              std::chrono::milliseconds patience) {
  co_return co_await run_blocking(
      loops_.pool(), [this, after, limit, patience] { return look(after, limit, patience); });
}

Result<FeedItems> StreamFeed::look(std::uint64_t after, std::size_t limit,
                                   std::chrono::milliseconds patience) {
  const std::lock_guard one_at_a_time(reading_);
  bool has_more = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return stopping();
    has_more = after < last();
  }
  if (!has_more && limit > 0) PARLEY_TRY_VOID(read_on(limit, patience));
  const std::lock_guard lock(mutex_);
  if (closed_) return stopping();
  FeedItems out{{}, std::max(after, passed_)};
  while (out.next < last() && out.items.size() < limit) {
    const auto& kept = kept_[out.next++ - passed_];
    if (kept.entry) out.items.push_back({out.next, kept.entry});
  }
  return out;
}

Result<void> StreamFeed::read_on(std::size_t limit, std::chrono::milliseconds patience) {
  std::size_t room = 0;
  {
    std::unique_lock lock(mutex_);
    const auto has_room = [this] { return closed_ || kept_.size() < settings_.unpassed; };
    if (!has_room() && std::chrono::steady_clock::now() - was_read_ < settings_.stay_every)
      if (!changed_.wait_for(lock, patience, has_room)) return {};
    if (closed_) return {};
    room = kept_.size() < settings_.unpassed ? settings_.unpassed - kept_.size() : 1;
  }
  was_read_ = std::chrono::steady_clock::now();
  PARLEY_TRY(records, stream_.read(std::min(limit, room), patience));
  std::vector<Kept> read;
  read.reserve(records.size());
  for (const auto& record : records) read.push_back({record.place, entry_of(record)});
  const std::lock_guard lock(mutex_);
  kept_.insert(kept_.end(), std::make_move_iterator(read.begin()),
               std::make_move_iterator(read.end()));
  return {};
}

EntryPtr StreamFeed::entry_of(const StreamRecord& record) const {
  const auto conversation = ConversationId::parse(record.key);
  if (conversation && conversation->is_direct()) return nullptr;
  auto entry = conversation ? decode_(record.key, record.value) : nullptr;
  if (!entry)
    log::error("group", "event=damaged_record lane={} offset={} bytes={}: nobody gets it",
               record.place.lane.value, record.place.offset, record.value.size());
  return entry;
}

void StreamFeed::passed(std::string, std::uint64_t position) {
  std::map<Lane, StreamPlace> places;
  {
    const std::lock_guard lock(mutex_);
    for (position = std::min(position, last()); passed_ < position; ++passed_) {
      const auto& place = kept_.front().place;
      places.insert_or_assign(place.lane, place);
      kept_.pop_front();
    }
  }
  changed_.notify_all();
  for (const auto& [lane, place] : places) stream_.passed(place);
}

void StreamFeed::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace parley::group
