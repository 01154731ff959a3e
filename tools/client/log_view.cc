#include "client/log_view.h"

#include <algorithm>
#include <utility>

namespace parley::client {

void LogView::put(v1::Entry entry) {
  const auto seq = entry.seq();
  if (seq <= shown_) return;
  head_ = std::max(head_, seq);
  early_.try_emplace(seq, std::move(entry));
}

std::vector<v1::Entry> LogView::drain(Time now) {
  std::vector<v1::Entry> ready;
  while (!early_.empty() && early_.begin()->first == shown_ + 1) {
    ready.push_back(std::move(early_.begin()->second));
    early_.erase(early_.begin());
    ++shown_;
  }
  if (head_ <= shown_)
    gap_since_.reset();
  else if (!gap_since_ || !ready.empty())
    gap_since_ = now;
  return ready;
}

std::vector<v1::Entry> LogView::add(v1::Entry entry, Time now) {
  put(std::move(entry));
  return drain(now);
}

std::vector<v1::Entry> LogView::begin_at(std::uint64_t seq, Time now) {
  if (seq <= shown_ + 1) return {};
  shown_ = seq - 1;
  head_ = std::max(head_, shown_);
  early_.erase(early_.begin(), early_.lower_bound(seq));
  return drain(now);
}

void LogView::note_head(std::uint64_t seq, Time now) {
  head_ = std::max(head_, seq);
  if (head_ > shown_ && !gap_since_) gap_since_ = now;
}

Time LogView::fetch_at() const {
  return gap_since_ && !fetching_ ? *gap_since_ + kGapPatience : Time::max();
}

LogView::Fetched LogView::fetched(const v1::History& page, Time now) {
  fetching_ = false;
  const auto before = shown_;
  for (const auto& entry : page.entries()) put(entry);
  Fetched result{drain(now), {}};
  const bool reaches_gap =
      page.entries().empty() || page.entries(page.entries_size() - 1).seq() > shown_;
  if (shown_ == before && head_ > shown_ && reaches_gap) {
    const auto last_missing = early_.empty() ? head_ : early_.begin()->first - 1;
    result.skipped = Range{shown_ + 1, last_missing};
    shown_ = last_missing;
    result.entries = drain(now);
  }
  return result;
}

void LogView::fetch_failed(Time retry) {
  fetching_ = false;
  if (gap_since_) gap_since_ = retry - kGapPatience;
}

}  // namespace parley::client
